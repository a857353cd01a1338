"""Rows from users and their items in no order, with test items that a file gives.

A line is a user and its items, as of `interactions`. Every row is `user_id,item_id`. `train.csv`
has the training pairs but for the share `--valid_share` of each user's, drawn at random, which are
in `valid.csv`: choose settings on these. `train_valid.csv` has all training pairs, to train the
final model on; `test.csv` those of `--test`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.datasets.interactions import read_sequences, write_items
from easyrec_lite.datasets.rows import RowWriter

COLUMNS = ("user_id", "item_id")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this data set's flags."""
    help_text = "training pairs: text file, or .gz of one: a user and its items a line"
    parser.add_argument("--input", required=True, type=Path, metavar="FILE", help=help_text)
    help_text = "test pairs, in the same form"
    parser.add_argument("--test", required=True, type=Path, metavar="FILE", help=help_text)
    help_text = "share of each user's training pairs that valid.csv gets"
    parser.add_argument("--valid_share", type=float, default=0.1, help=help_text)
    parser.add_argument("--seed", type=int, default=1, help="of the draw")


def run(flags: argparse.Namespace, folder: Path) -> str:
    """Makes the data set in `folder` as the flags say; see `make`."""
    return make(flags.input, flags.test, folder, flags.valid_share, flags.seed)


def make(
    training: Path, testing: Path, folder: Path, valid_share: float = 0.1, seed: int = 1
) -> str:
    """Writes the rows, and the files of `interactions.write_items`.

    Args:
      training, testing: files of users and their items.
      folder: where the files go.
      valid_share: of n training pairs of a user, ⌊n · valid_share⌋ are validation pairs.
      seed: of the draw.

    Returns:
      What was made, in a sentence.

    Raises:
      DataError: a file is missing, a line has no items, a user has two lines, or a pair is in
        both files.
    """
    trained = dict(read_sequences(training))
    tested = dict(read_sequences(testing))
    _check(trained, tested, testing)
    chosen = _validation(trained, valid_share, seed)
    kept = {
        user: [item for k, item in enumerate(items) if k not in chosen[user]]
        for user, items in trained.items()
    }
    valid = {user: [items[k] for k in sorted(chosen[user])] for user, items in trained.items()}
    parts = {"train": kept, "valid": valid, "train_valid": trained, "test": tested}
    made = ", ".join(
        f"{_write(folder / f'{name}.csv', pairs):,} {name}.csv" for name, pairs in parts.items()
    )
    counts = Counter(item for items in trained.values() for item in items)
    counts.update(dict.fromkeys((item for items in tested.values() for item in items), 0))
    write_items(folder, counts)
    return f"{len(trained.keys() | tested.keys()):,} users, {len(counts):,} items; {made}"


def _check(trained: Mapping[str, list[str]], tested: Mapping[str, list[str]], path: Path) -> None:
    problems = [
        Problem(
            f"user {user!r} has {len(both):,} items of both files, such as {min(both)!r}",
            Place(str(path)),
            expected="test items that are no training items",
        )
        for user, items in tested.items()
        if (both := set(items) & set(trained.get(user, ())))
    ]
    if problems:
        raise DataError(problems[:20])


def _validation(
    trained: Mapping[str, Sequence[str]], share: float, seed: int
) -> dict[str, set[int]]:
    """Returns which of each user's items are validation items."""
    generator = np.random.default_rng(seed)
    return {
        user: set(generator.permutation(len(items))[: int(len(items) * share)].tolist())
        for user, items in trained.items()
    }


def _write(path: Path, pairs: Mapping[str, Sequence[str]]) -> int:
    """Writes the pairs; returns how many they are."""
    users = [user for user, items in pairs.items() for _ in items]
    items = [item for own in pairs.values() for item in own]
    with RowWriter(path, COLUMNS) as writer:
        writer.write(pa.table({"user_id": users, "item_id": items}))
    return len(users)
