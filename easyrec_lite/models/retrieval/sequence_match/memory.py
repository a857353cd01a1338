"""How much memory the encoder of histories takes in training.

The figures are fitted to what `python -m benchmarks.memory` measures.
"""

from __future__ import annotations

from typing import NamedTuple

from easyrec_lite.protos.messages import SequenceMatch

FLOAT = 4
# How many steps the histories of a batch have, as a share of the most there can be.
FILL = 0.8
# Vectors of D numbers that are kept for each step outside of the layers: embeddings, sums with
# places, norms, targets, and their gradients.
OUTSIDE = 30


class Kept(NamedTuple):
    """What a layer keeps for the gradient, with what computing it takes.

    Attributes:
      kernels: kernels [D, D].
      vectors: vectors of D numbers for each step.
      hidden: vectors of the hidden layer's units for each step.
      scores: numbers for each two steps of a row and each head.
    """

    kernels: int
    vectors: float
    hidden: float
    scores: float


# By the value of `encoder`.
LAYERS = {
    SequenceMatch.TRANSFORMER: Kept(4, 9, 2, 2.7),
    SequenceMatch.HSTU: Kept(5, 14, 0, 4),
    SequenceMatch.GRU: Kept(6, 15, 0, 0),
}


def encoder_bytes(params: SequenceMatch, batch: int, width: int) -> int:
    """Returns the bytes that the encoder takes for a batch, with its weights and their moments.

    Args:
      params: the model's message.
      batch: B.
      width: D, of the vector of a step.
    """
    kept = LAYERS[params.encoder]
    if params.gated_residual and params.encoder == SequenceMatch.TRANSFORMER:
        kept = kept._replace(kernels=kept.kernels + 2, vectors=kept.vectors + 4)
    most = params.max_seq_len + 1
    units = params.intermediate_size or 4 * width
    steps = FILL * batch * most
    layer = steps * (kept.vectors * width + kept.hidden * units)
    layer += batch * params.num_heads * most**2 * kept.scores
    weights = 3 * width * (kept.kernels * width + 2 * units * (kept.hidden > 0))
    return int((OUTSIDE * steps * width + params.num_layers * (layer + weights)) * FLOAT)
