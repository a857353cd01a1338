"""A model of one's own: towers of a single dense layer, which is factorisation with side features.

Its config names it by `model_class: "LinearTowers"`, and gives `custom_params { width }`; what
all two-tower models share (simi_func, temperature, masks, l2) comes from `model_params`.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

import easyrec_lite as er


class LinearTower(er.Tower):
    """Computes `W v` of a group's concatenated vectors v, [R, ΣD_f] → [R, width]."""

    def __init__(self, config: Any, embeddings: er.GroupEmbeddings, side: str, seed: int):
        self.groups = (side,)
        self.width = int(config.model_config.custom_params["width"])
        self._embeddings = embeddings
        self._rate = config.model_config.embedding_regularization
        name = f"{side}_dense"
        start = keras.initializers.GlorotUniform(er.derive_seed(seed, name))
        dense = keras.layers.Dense(self.width, use_bias=False, kernel_initializer=start, name=name)
        dense.build((None, embeddings.width(side)))
        self.layers = [dense]
        self.kernels = [dense.kernel]

    def __call__(self, features: dict[str, er.FeatureValue], training: bool) -> er.TowerOutput:
        """Returns the vectors of the R rows of `features`."""
        side = self.groups[0]
        fields = self._embeddings(side, features, training)
        penalties = {side: er.embedding_penalty(fields, self._rate)} if self._rate else {}
        return er.TowerOutput(self.layers[0](tf.concat(fields, axis=-1)), penalties)


@er.register_model("LinearTowers")
class LinearTowers(er.TwoTowerModel):
    """Two linear towers over the groups `user` and `item`."""

    def __init__(self, pipeline: er.Pipeline, embeddings: er.GroupEmbeddings, seed: int):
        config = pipeline.config
        user, item = (LinearTower(config, embeddings, side, seed) for side in ("user", "item"))
        params = config.model_config.model_params
        super().__init__(pipeline, embeddings, seed, params, user, item)
