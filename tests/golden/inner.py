"""Values inside our models, under EasyRec's names for them."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.models.retrieval.mind.model import MIND
from easyrec_lite.models.retrieval.pdn.model import PDN


def inner_values(
    model: Any, features: dict[str, FeatureValue], training: bool
) -> dict[str, tf.Tensor]:
    """Returns the values that golden cases hold of such a model; none of most."""
    if isinstance(model, MIND):
        steps, lengths, _ = model.towers["user"]._steps(features, training)
        return {"capsule/seq_feas": steps, "capsule/seq_lens": lengths}
    if isinstance(model, PDN):
        paths, _ = model.paths(features, training)
        found = (paths.triggers, paths.similarities, tf.nn.softplus(paths.bias))
        return dict(zip(("trigger_out", "sim_out", "bias_out"), found, strict=True))
    return {}
