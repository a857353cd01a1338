"""EasyRec's form of the softmax loss, where ours is a better one."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.features.batch import Batch
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.losses.weighting import weighted_mean
from easyrec_lite.models.base import Model

SATURATION = 1e-12


class EasyRecLosses:
    """A model whose softmax loss is `−log(p + 1e-12)`, as EasyRec's is; all else is the model's.

    That form stops learning where p, the probability of a row's own item, is tiny: its gradient
    is `p / (p + 1e-12)` of that of `−log p`, which is our loss.
    """

    def __init__(self, model: Model):
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, batch: Batch, training: bool) -> Outputs:
        """Returns what the model does."""
        return self._model(batch, training)

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the model's losses by name, but for the softmax's form."""
        losses = self._model.losses(outputs, batch)
        if not self._model.listwise:
            return losses
        chance = tf.linalg.diag_part(tf.nn.softmax(self._model.logits(outputs, batch)))
        loss = weighted_mean(-tf.math.log(chance + SATURATION), batch.weights)
        return {**losses, "cross_entropy_loss": loss}
