"""A model of one's own: towers of a single dense layer, which is factorisation with side features.

Its config names it by `model_class: "LinearTowers"`, and gives `custom_params { width }`; what
all two-tower models share (simi_func, temperature, masks, l2) comes from `model_params`.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.model import register_model
from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.models.regularization import embedding_penalty
from easyrec_lite.models.retrieval.towers import Tower, TowerOutput
from easyrec_lite.models.retrieval.two_tower import TwoTowerModel


class LinearTower(Tower):
    """Computes `W v` of a group's concatenated vectors v, [R, ΣD_f] → [R, width]."""

    def __init__(self, config: Any, embeddings: Any, side: str, seed: int):
        self.groups = (side,)
        self.width = int(config.model_config.custom_params["width"])
        self._embeddings = embeddings
        self._rate = config.model_config.embedding_regularization
        name = f"{side}_dense"
        start = keras.initializers.GlorotUniform(derive_seed(seed, name))
        dense = keras.layers.Dense(self.width, use_bias=False, kernel_initializer=start, name=name)
        dense.build((None, embeddings.width(side)))
        self.layers = [dense]
        self.kernels = [dense.kernel]

    def __call__(self, features: dict[str, FeatureValue], training: bool) -> TowerOutput:
        """Returns the vectors of the R rows of `features`."""
        side = self.groups[0]
        fields = self._embeddings(side, features, training)
        penalties = {side: embedding_penalty(fields, self._rate)} if self._rate else {}
        return TowerOutput(self.layers[0](tf.concat(fields, axis=-1)), penalties)


@register_model("LinearTowers")
class LinearTowers(TwoTowerModel):
    """Two linear towers over the groups `user` and `item`."""

    def __init__(self, pipeline: Pipeline, embeddings: Any, seed: int):
        config = pipeline.config
        user, item = (LinearTower(config, embeddings, side, seed) for side in ("user", "item"))
        params = config.model_config.model_params
        super().__init__(pipeline, embeddings, seed, params, user, item)
