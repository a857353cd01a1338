"""Penalties on embeddings and kernels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import keras
import tensorflow as tf

from easyrec_lite.core import replicas


def embedding_penalty(vectors: Sequence[tf.Tensor], rate: float) -> tf.Tensor:
    """Returns `rate/2 · Σ v²` over looked-up vectors, a list of [R, D_f]; a sum, not a mean.

    Times the number of replicas, whose losses are averaged, so that it stays the sum over all rows.
    """
    rate *= replicas.count()
    with tf.name_scope("penalty"):
        return rate * tf.add_n([tf.constant(0.0), *(tf.nn.l2_loss(field) for field in vectors)])


def kernel_penalty(kernels: Iterable[keras.Variable], rate: float) -> tf.Tensor:
    """Returns `rate/2 · Σ k²` over kernels."""
    with tf.name_scope("penalty"):
        return rate * tf.add_n([tf.nn.l2_loss(kernel.value) for kernel in kernels])
