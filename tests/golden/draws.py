"""Random draws: ours are replaced by those that EasyRec's numbers were computed with."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.models.retrieval.dropoutnet.model import DropoutNet
from easyrec_lite.models.retrieval.mind.model import MIND
from tests.golden.pairs import section
from tests.golden.stored import Stored


def use_draws(model: Any, stored: Stored) -> None:
    """Makes a model draw what a golden case drew, the same at every step."""
    if isinstance(model, DropoutNet):
        draws = section(stored.arrays("train"), "random/")
        for side, tower in model.towers.items():
            kept = tf.constant(draws[f"{side}_keep"])
            tower.drop.kept = lambda rows, kept=kept: kept
        shifts = [draws[name] for name in sorted(draws) if name.startswith("shift/")]
        model.shifts = lambda rows, training: tf.constant(shifts)
    if isinstance(model, MIND):
        drawn = {
            training: tf.constant(stored.arrays(mode)["random/routing_logits"])
            for mode, training in (("train", True), ("eval", False))
        }
        layer = model.towers["user"].capsules
        layer.first_logits = lambda rows, training: drawn[training]
