"""Models that score a row's user and item together: one logit a row, no vectors of either."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.embeddings import GroupEmbeddings, Pairs
from easyrec_lite.layers.mlp.build import build_dnn
from easyrec_lite.layers.mlp.layer import DNN
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.losses.terms import loss_terms
from easyrec_lite.models.base import REGULARIZATION, Model
from easyrec_lite.models.regularization import embedding_penalty, kernel_penalty
from easyrec_lite.models.retrieval.pointwise import PointwiseObjective
from easyrec_lite.protos import messages


class RowModel(Model):
    """A model with one logit a row, trained by losses of rows.

    Args:
      pipeline, embeddings, seed: as of `Model`.
      params: the model's message, for its l2_regularization.

    Attributes:
      listwise: False.
      objective: the losses.
      rate: of the penalty on embeddings.
    """

    listwise = False

    def __init__(self, pipeline: Pipeline, embeddings: GroupEmbeddings, seed: int, params: Any):
        super().__init__(pipeline, embeddings, seed)
        config = pipeline.config
        self.params = params
        self.objective = PointwiseObjective(config, loss_terms(config.model_config))
        self.extra_columns = self.objective.columns
        self.rate = config.model_config.embedding_regularization
        self.kernels: list[keras.Variable] = []

    def dnn(
        self, message: messages.DNN, name: str, width: int, plain_end: bool = False, rank: int = 2
    ) -> DNN:
        """Returns the built and added layers of a `DNN` message; see `build_dnn`."""
        dnn = build_dnn(message, name, self.seed, width, plain_end, rank)
        self.add_layer(dnn)
        self.kernels += dnn.kernels
        return dnn

    def logits(self, outputs: Outputs, batch: Batch) -> tf.Tensor:
        """Returns the logits [B]."""
        return outputs.predictions["logits"]

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the loss terms, each already times its weight, to be summed."""
        terms = self.objective.losses(outputs.predictions["logits"], batch)
        if outputs.penalties:
            terms[REGULARIZATION] = tf.add_n(list(outputs.penalties.values()))
        return terms

    def row_weight(self, batch: Batch) -> tf.Tensor:
        """Returns the divisor of the batch's losses."""
        return self.objective.row_weight(batch)

    def joined(
        self,
        group: str,
        features: dict[str, FeatureValue],
        training: bool,
        pairs: Pairs | None = None,
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Returns a group's vectors joined, and the penalty on them by the group's name.

        The vectors are those of the R rows of `features`, [R, ·], or of pairs, [P, ·].
        """
        read = self.embeddings.read(group, features, training, pairs=pairs)
        penalties = {group: embedding_penalty(read.looked_up, self.rate)} if self.rate else {}
        return tf.concat(read.fields, axis=-1), penalties

    def kernel_penalties(self) -> dict[str, tf.Tensor]:
        """Returns the penalty on the kernels, under `kernels`, if there is one."""
        rate = self.params.l2_regularization
        return {"kernels": kernel_penalty(self.kernels, rate)} if rate else {}
