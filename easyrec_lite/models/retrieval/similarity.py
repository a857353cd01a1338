"""The head of a two-tower model: the logit of a user vector and an item vector."""

from __future__ import annotations

import keras
import tensorflow as tf

from easyrec_lite.models.retrieval.params import TwoTowerParams
from easyrec_lite.protos.messages import EasyRecModel

COSINE, INNER_PRODUCT = 0, 1


def normalize(vectors: tf.Tensor) -> tf.Tensor:
    """Returns vectors [R, …, D] divided by their L2 norms, at least 1e-6 (1e-12 squared)."""
    return tf.math.l2_normalize(vectors, axis=-1, epsilon=1e-12)


class SimilarityHead:
    """Computes `logit = |w| · ⟨u, i⟩ / temperature + b`.

    COSINE normalises the vectors first; INNER_PRODUCT does not, and has no temperature. w
    (initially 1) and b (initially 0) are learnt if `scale` is set, else fixed.

    Args:
      simi_func: `COSINE` or `INNER_PRODUCT`.
      temperature: the divisor of the cosine, or its initial value if it is learnt.
      scale: whether w and b are learnt.
      least: the temperature is learnt as `least + exp(v)`; None: it is fixed.
    """

    def __init__(
        self,
        simi_func: int,
        temperature: float = 1.0,
        scale: bool = False,
        least: float | None = None,
    ):
        self.cosine = simi_func == COSINE
        self._fixed = temperature if self.cosine else 1.0
        self._least = least or 0.0
        self._learnt: keras.Variable | None = None
        self._scale: list[keras.Variable] = []
        if scale:
            self._scale = [
                keras.Variable(tf.ones([1]), name="sim_w"),
                keras.Variable(tf.zeros([1]), name="sim_b"),
            ]
        if least is not None and self.cosine:
            start = tf.math.log(temperature - least)
            self._learnt = keras.Variable(start, name="log_temperature")
        self.variables = [*self._scale, *([] if self._learnt is None else [self._learnt])]

    @property
    def temperature(self) -> float:
        """The temperature, or the initial value of a learnt one; 1 without a cosine."""
        return self._fixed

    @property
    def learnt_temperature(self) -> tf.Tensor | None:
        """The learnt temperature, a float32 scalar; None if it is fixed."""
        if self._learnt is None:
            return None
        return self._least + tf.exp(self._learnt.value)

    def vectors(self, towers: tf.Tensor) -> tf.Tensor:
        """Returns tower outputs [R, …, D] as they are compared and served."""
        return normalize(towers) if self.cosine else towers

    def scaled(self, values: tf.Tensor) -> tf.Tensor:
        """Returns `values · |w| / temperature`, any shape.

        Scaled user vectors have inner products with items that are the logits, less b. A softmax
        over a row does not depend on b, which all its candidates share.
        """
        learnt = self.learnt_temperature
        values = values / (self._fixed if learnt is None else learnt)
        return values * tf.abs(self._scale[0].value) if self._scale else values

    def shifted(self, scores: tf.Tensor) -> tf.Tensor:
        """Returns inner products with `scaled` users, any shape, plus b."""
        return scores + self._scale[1].value if self._scale else scores

    def with_shift(self, user: tf.Tensor, items: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns scaled users [..., D + 1] and items [N, D + 1], whose products include b."""
        if not self._scale:
            return user, items
        shift = tf.ones_like(user[..., :1]) * self._scale[1].value
        ones = tf.ones_like(items[:, :1])
        return tf.concat([user, shift], axis=-1), tf.concat([items, ones], axis=1)

    def row_logits(self, user: tf.Tensor, item: tf.Tensor) -> tf.Tensor:
        """Returns logits [B] of user vectors [B, D] and item vectors [B, D], row by row."""
        return self.shifted(tf.reduce_sum(self.scaled(user) * item, axis=-1))


def similarity_head(model_config: EasyRecModel, params: TwoTowerParams) -> SimilarityHead:
    """Returns the head of a model.

    Args:
      model_config: the `EasyRecModel` message, for the temperature in its `softmax`.
      params: the model's own message, for its simi_func, temperature and scale_simi.
    """
    scale = getattr(params, "scale_simi", False)
    least = least_temperature(model_config)
    return SimilarityHead(params.simi_func, params.temperature, scale, least)


def least_temperature(model_config: EasyRecModel) -> float | None:
    """Returns the lower bound of a learnt temperature, None if it is not learnt."""
    options = model_config.softmax
    return options.min_temperature if options.learn_temperature else None
