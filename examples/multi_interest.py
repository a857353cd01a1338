"""A model with K vectors a user: one for each part of the user's history, from old to new.

Its config names it by `model_class: "MultiInterest"`, with these `custom_params`:
  interests: K, at least 2.
  history: a TagFeature of the group `user`, its pieces in order of time.
  width: D, of the vectors of users and items.
  diversity: the weight of the loss that keeps the vectors of a user apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

import easyrec_lite as er


class MultiInterestSpec(er.TwoTowerSpec):
    """A dense layer over each part of the history and the rest of the group `user`."""

    name = "MultiInterest"

    def interests(self, view: er.View) -> int:
        """Returns K."""
        count: Any = view.model_config.custom_params["interests"]
        return int(count)

    def check(self, view: er.View) -> Iterator[er.Problem]:
        """Yields what is wrong with the config: there are several parts, and a history."""
        yield from super().check(view)
        params, path = dict(view.model_config.custom_params), "model_config.custom_params"
        if params.get("interests") not in range(2, 100):
            yield view.error(f"{path}.interests", "expected a whole number from 2 up")
        tags = [f.name for f in view.group_features("user") if f.kind == "TagFeature"]
        if params.get("history") not in tags:
            history = str(params.get("history"))
            yield view.unknown(f"{path}.history", "TagFeature of the group user:", history, tags)

    def dense_layers(self, view: er.View) -> list[er.DenseLayer]:
        """Returns the dense layers of both sides, for the memory estimate."""
        units: Any = view.model_config.custom_params["width"]
        groups = (view.group_features(side) for side in ("user", "item"))
        return [er.DenseLayer(sum(f.width for f in group), int(units)) for group in groups]


class DenseTower(er.Tower):
    """Computes `W v + b` of a group's joined fields v, [R, D]; with a history [R, K, D]."""

    def __init__(self, params: Any, tables: er.GroupEmbeddings, side: str, seed: int, history: str):
        self.groups, self.width = (side,), int(params["width"])
        self.interests = int(params["interests"]) if history else 1
        self._embeddings, self._history = tables, history
        start = keras.initializers.GlorotUniform(er.derive_seed(seed, side))
        self._dense = keras.layers.Dense(self.width, kernel_initializer=start, name=f"{side}_dense")
        self._dense.build((None, tables.width(side)))
        self.layers, self.kernels = [self._dense], [self._dense.kernel]

    def __call__(self, features: dict[str, Any], training: bool) -> er.TowerOutput:
        """Returns the vectors of R rows; a user with fewer than K pieces has as many interests."""
        if not self._history:
            return er.TowerOutput(self._vectors(features, training), {})
        ids = features[self._history].ids  # ragged [R, (L)]
        lengths, rows = ids.row_lengths(), ids.value_rowids()
        counts = tf.clip_by_value(lengths, 1, self.interests)
        places = tf.ragged.range(lengths).flat_values
        part = ids.with_flat_values(places * tf.gather(counts, rows) // tf.gather(lengths, rows))
        histories = (tf.ragged.boolean_mask(ids, part == k) for k in range(self.interests))
        vectors = [
            self._vectors({**features, self._history: er.Bags(history)}, training)
            for history in histories
        ]
        return er.TowerOutput(tf.stack(vectors, axis=1), {}, counts=tf.cast(counts, tf.int32))

    def _vectors(self, features: dict[str, Any], training: bool) -> tf.Tensor:
        return self._dense(tf.concat(self._embeddings(self.groups[0], features, training), axis=-1))


@er.register_model(MultiInterestSpec)
class MultiInterest(er.TwoTowerModel):
    """K vectors a user, one an item; the score is the largest of K cosines."""

    def __init__(self, pipeline: er.Pipeline, embeddings: er.GroupEmbeddings, seed: int):
        model = pipeline.config.model_config
        params: Any = model.custom_params
        user = DenseTower(params, embeddings, "user", seed, params["history"])
        item = DenseTower(params, embeddings, "item", seed, "")
        super().__init__(pipeline, embeddings, seed, model.model_params, user, item)

    def listwise_losses(self, outputs: er.Outputs, batch: er.Batch) -> dict[str, tf.Tensor]:
        """Returns the losses of a two-tower model, and the mean cosine of a user's vectors."""
        users = tf.math.l2_normalize(outputs.predictions["user_tower_emb"], axis=-1)
        squares = tf.reduce_sum(tf.reduce_sum(users, axis=1) ** 2, axis=-1)
        cosines = (squares / self.interests - 1) / (self.interests - 1)
        weight = self.config.model_config.custom_params["diversity"]
        losses = super().listwise_losses(outputs, batch)
        return {**losses, "diversity_loss": weight * tf.reduce_mean(cosines)}
