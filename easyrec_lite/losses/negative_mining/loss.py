"""The softmax of a positive among items of other rows, each selected by a roll of the batch.

EasyRec's form, with the factor on hard negatives of Wang et al., Mis-classified Vector Guided
Softmax Loss for Face Recognition, AAAI 2020.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.weighting import weighted_mean
from easyrec_lite.protos.messages import SoftmaxCrossEntropyWithNegativeMining as Params


class MinedRows(NamedTuple):
    """A batch as the loss sees it.

    Attributes:
      user, item: float32 [B, D], normalised.
      labels: float32 [B]; rows above 0 are positive.
      shifts: int32 [n]; the k-th negative of row i is the item of row `i − shifts[k]`, modulo B.
      weights: float32 [B], or None.
      items: [B], ids of the items, or None when they are not known.
    """

    user: tf.Tensor
    item: tf.Tensor
    labels: tf.Tensor
    shifts: tf.Tensor
    weights: tf.Tensor | None = None
    items: tf.Tensor | None = None


@LOSSES.implement("SOFTMAX_CROSS_ENTROPY_WITH_NEGATIVE_MINING")
def mined_softmax(rows: MinedRows, params: Params) -> tf.Tensor:
    """Computes the mean of `−log softmax(γ [p, n_1 … n_n])_0` over the positive rows; 0 of none.

    `p = ⟨u, i⟩ − margin`. A negative similarity n above p becomes `t·n + t − 1`, with t the
    `coefficient_of_support_vector`. A negative that is the row's own item is left out.
    """
    count = tf.shape(rows.labels)[0]
    own = tf.range(count)
    others = (own[:, None] - rows.shifts[None, :]) % tf.maximum(count, 1)
    positive = tf.reduce_sum(rows.user * rows.item, axis=1, keepdims=True) - params.margin
    negatives = tf.einsum("bd,bnd->bn", rows.user, tf.gather(rows.item, others))
    t = params.coefficient_of_support_vector
    negatives = tf.where(negatives > positive, t * negatives + t - 1.0, negatives)
    same = others == own[:, None]
    if rows.items is not None:
        same |= tf.gather(rows.items, others) == rows.items[:, None]
    negatives = tf.where(same, negatives.dtype.min, negatives * params.gamma)
    logits = tf.concat([positive * params.gamma, negatives], axis=1)
    losses = -tf.nn.log_softmax(logits)[:, 0]
    wanted = tf.cast(rows.labels > 0, losses.dtype)
    return weighted_mean(losses, wanted if rows.weights is None else wanted * rows.weights)
