"""Sequences of a golden case: an empty cell is one step in EasyRec, and none here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from easyrec_lite.data.rows.values import Steps
from easyrec_lite.features.batch import Batch

if TYPE_CHECKING:
    from tests.golden.case import Case


def with_steps(batch: Batch, case: Case) -> Batch:
    """Returns the batch with EasyRec's ids of each sequence, the first `max_seq_len` of a row."""
    features = dict(batch.features)
    for name, value in batch.features.items():
        if isinstance(value, Steps):
            features[name] = Steps(_golden(name, case))
    return batch._replace(features=features)


def rows_alike(batch: Batch, case: Case) -> np.ndarray:
    """Returns the rows, bool [B], in which all sequences have EasyRec's ids; nearly all must."""
    alike = np.ones(case.rows, bool)
    for name, value in batch.features.items():
        if isinstance(value, Steps):
            pairs = zip(value.ids.to_list(), _golden(name, case).to_list(), strict=True)
            alike &= [ours == golden for ours, golden in pairs]
    assert alike.mean() > 0.8
    return alike


def _golden(name: str, case: Case) -> tf.RaggedTensor:
    ids = case.arrays("ids")[name].astype(np.int64)
    ragged = tf.RaggedTensor.from_tensor(ids, padding=-1)
    groups = case.parts.model.embeddings.groups.values()
    most = next(f.config.max_seq_len for fs in groups for f in fs if f.name == name)
    return ragged[:, :most] if most else ragged
