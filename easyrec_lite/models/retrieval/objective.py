"""The losses over candidates that a config names, as a two-tower model computes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.features.batch import Batch
from easyrec_lite.losses.softmax.blocked import CandidateLoss
from easyrec_lite.losses.terms import LossTerm
from easyrec_lite.models.retrieval.similarity import SimilarityHead


class GivenLoss(NamedTuple):
    """A loss over candidates: `weight` times `loss`, shown as `name`.

    `session_name` is the column with the sessions of rows; "" for none.
    """

    name: str
    weight: float
    loss: CandidateLoss
    session_name: str = ""

    def sessions(self, batch: Batch) -> tf.Tensor | None:
        """Returns int32 [B], equal for the rows of one session; None without a column of them."""
        if not self.session_name:
            return None
        return tf.unique(batch.extra[self.session_name]).idx


def candidate_losses(terms: Iterable[LossTerm], head: SimilarityHead) -> list[GivenLoss]:
    """Returns the losses over candidates among some terms.

    Args:
      terms: the losses of a config.
      head: the similarity head of the model.
    """
    return [
        GivenLoss(
            term.name,
            term.weight,
            LOSSES.get(term.loss_type)(term.params, head.temperature),
            term.session_name,
        )
        for term in terms
        if term.listwise
    ]
