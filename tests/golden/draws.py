"""Draws of a model and a sampler: ours are replaced by those that EasyRec's numbers are of."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.data.rows.values import Ids
from easyrec_lite.features.batch import Batch
from easyrec_lite.layers.sequence_augment.layer import SeqAugment
from easyrec_lite.models.retrieval.dropoutnet.model import DropoutNet
from easyrec_lite.models.retrieval.mind.model import MIND
from tests.golden.pairs import section
from tests.golden.stored import Arrays, Stored


def use_draws(model: Any, stored: Stored) -> None:
    """Makes a model draw what a golden case drew, the same at every step."""
    if isinstance(model, DropoutNet):
        draws = section(stored.arrays("train"), "random/")
        for side, tower in model.towers.items():
            kept = tf.constant(draws[f"{side}_keep"])
            tower.drop.kept = lambda rows, kept=kept: kept
        shifts = [draws[name] for name in sorted(draws) if name.startswith("shift/")]
        model.shifts = lambda rows, training: tf.constant(shifts)
    backbone = getattr(model, "backbone", None)
    for layers in backbone.layers.values() if backbone else ():
        for layer in layers:
            if isinstance(layer, SeqAugment):
                _use_middles(layer)
    if isinstance(model, MIND):
        drawn = {
            training: tf.constant(stored.arrays(mode)["random/routing_logits"])
            for mode, training in (("train", True), ("eval", False))
        }
        layer = model.towers["user"].capsules
        layer.first_logits = lambda rows, training: drawn[training]


def with_drawn(batch: Batch, ids: Arrays) -> Batch:
    """Returns the batch with an item that EasyRec drew and ours leaves out, as it is the batch's.

    The other items must be EasyRec's, in their order.
    """
    features = {name: value for name, value in batch.negatives.items() if isinstance(value, Ids)}
    rows, ours = int(batch.rows), int(batch.sampled)
    theirs = {name: ids[name][rows:] for name in features}
    if batch.hard_pairs is not None or all(len(drawn) == ours for drawn in theirs.values()):
        return batch
    assert len(features) == len(batch.negatives), "ids alone"
    drawn, batch_items = (
        np.stack([ids[n][part] for n in features], axis=1)
        for part in (slice(rows, None), slice(rows))
    )
    new = ~(drawn[:, None] == batch_items[None]).all(axis=2).any(axis=1)
    found = np.stack([value.ids.numpy() for value in features.values()], axis=1)
    assert np.array_equal(drawn[new], found), "other sampled items than EasyRec's"
    return batch._replace(negatives={n: Ids(tf.constant(theirs[n])) for n in features})


def _use_middles(layer: SeqAugment) -> None:
    """Makes the middle of its range of each draw, and a reversal of each shuffle, in all modes."""
    layer.augments = lambda training: True
    layer.ways = lambda rows: tf.zeros([rows], tf.int32)
    layer.starts = lambda last: last // 2
    layer.keys = lambda shape: -tf.broadcast_to(tf.range(tf.cast(shape[1], tf.float32)), shape)
