"""The head of a two-tower model: how a user and an item vector become a logit."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.errors import ConfigError, Problem

COSINE, INNER_PRODUCT = 0, 1


def normalize(vectors: tf.Tensor) -> tf.Tensor:
    """Returns vectors [R, D] divided by their L2 norms (at least 1e-6: epsilon 1e-12 squared)."""
    return tf.math.l2_normalize(vectors, axis=-1, epsilon=1e-12)


class SimilarityHead:
    """Computes `logit = |w| · ⟨u, i⟩ / temperature + b`.

    COSINE: of normalised vectors. INNER_PRODUCT: of the vectors as they are, without temperature.
    w (init 1) and b (init 0) are learnt when `scale` is set, else 1 and 0.

    Raises:
      ConfigError: another similarity, or a temperature that is not positive.
    """

    def __init__(self, simi_func: int, temperature: float = 1.0, scale: bool = False):
        if simi_func not in (COSINE, INNER_PRODUCT):
            raise ConfigError(
                Problem(
                    message="simi_func EUCLID is not served",
                    expected="COSINE or INNER_PRODUCT",
                    found="EUCLID",
                )
            )
        if temperature <= 0:
            raise ConfigError(
                Problem(
                    message="temperature must be positive",
                    expected="a number above 0, such as 0.05",
                    found=f"{temperature:g}",
                )
            )
        self.cosine = simi_func == COSINE
        self._temperature = temperature if self.cosine else 1.0
        self.variables: list[keras.Variable] = []
        if scale:
            self.variables = [
                keras.Variable(tf.ones([1]), name="sim_w"),
                keras.Variable(tf.zeros([1]), name="sim_b"),
            ]

    def vectors(self, towers: tf.Tensor) -> tf.Tensor:
        """Returns tower outputs [R, D] as the head compares, and serving returns, them."""
        return normalize(towers) if self.cosine else towers

    def scaled(self, user: tf.Tensor) -> tf.Tensor:
        """Returns user vectors [B, D] whose inner product with an item's is the logit, less b.

        A softmax over a row does not depend on b, which all its candidates share.
        """
        user = user / self._temperature
        return user * tf.abs(self.variables[0].value) if self.variables else user

    def shifted(self, scores: tf.Tensor) -> tf.Tensor:
        """Returns inner products with `scaled` users, any shape, plus b."""
        return scores + self.variables[1].value if self.variables else scores

    def row_logits(self, user: tf.Tensor, item: tf.Tensor) -> tf.Tensor:
        """Returns logits [B] of user vectors [B, D] and item vectors [B, D], row by row."""
        return self.shifted(tf.reduce_sum(self.scaled(user) * item, axis=-1))


def similarity_head(params: Any) -> SimilarityHead:
    """Returns the head of a model's message: its simi_func, temperature and scale_simi."""
    return SimilarityHead(
        params.simi_func, params.temperature, getattr(params, "scale_simi", False)
    )
