"""Hard negatives in EasyRec's form: an item for each pair, and a column for each of a row's pairs.

Ours has each item once, and a column for each item. EasyRec takes the first edges of a user, ours
draws them by weight: a table that is cut to the first edges leaves no choice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.data.rows.values import Ids
from easyrec_lite.features.batch import Batch
from tests.golden.pairs import Pair
from tests.golden.stored import Arrays

# EasyRec's (row, position in the row) of each pair, among the ids.
PAIRS = "hard_neg_indices"
# EasyRec's logit of a column that a row has no pair for, and what is below no other logit.
MASKED, FAR = -1e32, -1e31


def first_edges(table: Path, limit: int, folder: Path) -> Path:
    """Writes the first `limit` edges of each user of `table` to `folder`; returns the file."""
    header, *lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    kept, counts = [header], dict[str, int]()
    for line in lines:
        user = line.split("\t")[0]
        counts[user] = counts.get(user, 0) + 1
        if counts[user] <= limit:
            kept.append(line)
    cut = folder / table.name
    cut.write_text("".join(kept), encoding="utf-8")
    return cut


def repeated(batch: Batch, ids: Arrays) -> Batch:
    """Returns the batch with an item for each pair, in EasyRec's order of a row's pairs.

    Our pairs must be EasyRec's: of the same rows, and of items with the same ids.
    """
    if batch.hard_pairs is None:
        return batch
    names = list(batch.negatives)
    assert all(isinstance(value, Ids) for value in batch.negatives.values()), "ids alone"
    items = np.stack([batch.negatives[name].ids.numpy() for name in names], axis=1)
    pairs, rows = batch.hard_pairs.numpy(), ids[PAIRS][:, 0]
    ours = {(row, *items[item]): item for row, item in pairs.tolist()}
    theirs = np.stack([ids[name][-len(rows) :] for name in names], axis=1)
    keys = [(row, *item) for row, item in zip(rows.tolist(), theirs, strict=True)]
    assert sorted(ours) == sorted(keys), "other hard pairs than EasyRec's"
    drawn = int(pairs[:, 1].min())
    order = np.concatenate([np.arange(drawn), [ours[key] for key in keys]]).astype(np.int64)
    return batch._replace(
        negatives={name: Ids(tf.gather(batch.negatives[name].ids, order)) for name in names},
        hard_pairs=tf.constant(np.stack([rows, drawn + np.arange(len(rows))], axis=1)),
    )


def by_row(scores: Any, ids: Arrays, masked: float) -> np.ndarray:
    """Returns [B, B + n + M] of scores [B, B + n + H]: a row's own pairs, `masked` where none."""
    scores, pairs = np.asarray(scores), ids[PAIRS]
    shared = scores.shape[1] - len(pairs)
    most = pairs[:, 1].max() + 1
    filled = np.full((len(scores), most), masked, scores.dtype)
    filled[pairs[:, 0], pairs[:, 1]] = scores[pairs[:, 0], shared + np.arange(len(pairs))]
    others = np.ones((len(scores), len(pairs)), bool)
    others[pairs[:, 0], np.arange(len(pairs))] = False
    assert np.all(scores[:, shared:][others] <= masked), "a hard negative of another row competes"
    return np.concatenate([scores[:, :shared], filled], axis=1)


def without_masked(pair: Pair) -> Pair:
    """Returns the pair with 0 in place of masked logits, which would hide all other differences."""
    far = np.asarray(pair.golden) < FAR
    assert np.array_equal(np.asarray(pair.ours) < FAR, far), f"{pair.name}: other masks"
    return pair._replace(ours=np.where(far, 0, pair.ours), golden=np.where(far, 0, pair.golden))
