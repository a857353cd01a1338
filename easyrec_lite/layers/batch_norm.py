"""Batch norm whose training pass over rows is one operation, and so is its gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import update_wrapper
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.core import replicas

_together: ContextVar[bool] = ContextVar("synchronized batch norm", default=False)


@contextmanager
def synchronized(together: bool) -> Iterator[None]:
    """Layers created within the block use the moments of all replicas' rows, if `together`."""
    token = _together.set(together)
    try:
        yield
    finally:
        _together.reset(token)


class BatchNorm(keras.layers.BatchNormalization):
    """Computes `γ (x − mean) / √(variance + ε) + β`, as Keras's layer does.

    Training takes the moments over all axes but the last, by one fused operation, of the steps that
    a mask leaves. Keras's own code runs in inference and for another `axis`. With several replicas,
    the moments are those of each replica's rows, or of all rows for layers created within
    `synchronized`; the moving statistics always follow the moments of all rows.
    """

    def __init__(self, **options: Any):
        super().__init__(**options)
        self._together = _together.get()

    def call(
        self, inputs: tf.Tensor, training: bool = False, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Returns the normalised inputs, in their shape.

        Args:
          inputs: [..., D].
          training: whether the moments are those of the inputs.
          mask: boolean [...] of the real steps; in training, the others give 0.
        """
        theirs = not training or not self.trainable
        if theirs or self.axis not in (-1, inputs.shape.rank - 1):
            return super().call(inputs, training=training, mask=mask)
        if mask is not None:
            real = self.call(tf.boolean_mask(inputs, mask), training)
            return tf.scatter_nd(tf.where(mask), real, tf.shape(inputs, tf.int64))
        width = inputs.shape[-1]
        rows = inputs if inputs.shape.rank == 2 else tf.reshape(inputs, [-1, width])
        gamma = self.gamma.value if self.scale else tf.ones([width])
        beta = self.beta.value if self.center else tf.zeros([width])
        if replicas.count() == 1:
            outputs, *moments = _normalized(rows, gamma, beta, self.epsilon)
        else:
            outputs, *moments = _normalized_by_replicas(
                rows, gamma, beta, self.epsilon, self._together
            )
        self._move(*moments)
        return outputs if inputs.shape.rank == 2 else tf.reshape(outputs, tf.shape(inputs))

    def _move(self, count: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor) -> None:
        """Moves the moving statistics towards the moments of `count` rows."""
        if replicas.count() > 1 and not self._together:
            sums = replicas.total([count, count * mean, count * variance])
            count, mean, variance = sums[0], *(tf.math.divide_no_nan(s, sums[0]) for s in sums[1:])
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moved = moving * self.momentum + now * (1.0 - self.momentum)
            moving.assign(tf.where(count > 0, moved, moving))


# The signature of the Keras layer: parameters of a config are looked up in it.
update_wrapper(BatchNorm.__init__, keras.layers.BatchNormalization.__init__)


def _normalized(
    inputs: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the normalised inputs [B, D], then B, and their mean and variance [D]."""
    images = tf.reshape(inputs, [-1, 1, 1, inputs.shape[1]])
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=images, scale=gamma, offset=beta, mean=[], variance=[], epsilon=epsilon
    )
    # The operation returns the unbiased variance, divided by B − 1; the statistics use 1 / B.
    rows = tf.cast(tf.shape(inputs)[0], tf.float32)
    outputs = tf.reshape(outputs, [-1, inputs.shape[1]])
    return outputs, rows, mean, variance * ((rows - 1.0) / rows)


def _normalized_by_replicas(
    inputs: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float, together: bool
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the same as `_normalized`, with the moments of all replicas' rows if `together`.

    In steps: sum the rows of all replicas for the mean; sum the squares of the centred rows for the
    variance; normalise. The gradient is the closed form of Ioffe and Szegedy, Batch Normalization,
    2015, section 3, and needs two more sums over all replicas. B may be 0.
    """
    of_all: Callable[[Any], Any] = replicas.total if together else lambda sums: sums

    @tf.custom_gradient
    def normalize(inputs: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> tuple:
        # Sums over rows are matrix products with ones.
        ones = tf.ones([1, tf.shape(inputs)[0]])
        rows, total = of_all([tf.cast(tf.shape(inputs)[0], tf.float32), tf.matmul(ones, inputs)])
        count = tf.maximum(rows, 1.0)
        mean = total / count
        centred = inputs - mean
        variance = of_all(tf.matmul(ones, tf.square(centred))) / count
        inverse = tf.math.rsqrt(variance + epsilon)
        scale = inverse * gamma

        def gradient(upstream: tf.Tensor, *_: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            # Gradients of beta and gamma: the upstream gradient, alone and along the normalised
            # rows.
            total = tf.matmul(ones, upstream)
            along = tf.matmul(ones, upstream * centred) * inverse
            all_total, all_along = of_all([total, along])
            # What each row gets back through the variance and through the mean.
            pull = centred * (all_along * inverse / count) + all_total / count
            return scale * (upstream - pull), along[0], total[0]

        return (centred * scale + beta, rows, mean[0], variance[0]), gradient

    outputs, *moments = normalize(inputs, gamma, beta)
    return outputs, *(tf.stop_gradient(moment) for moment in moments)
