"""DSSM with SENet: each tower first weights its fields by their importance."""

from __future__ import annotations

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config import Pipeline
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.models.retrieval.towers import FieldTower
from easyrec_lite.models.retrieval.two_tower import TwoTowerModel


@MODELS.implement("DSSM_SENet")
class DSSMSENet(TwoTowerModel):
    """Towers are SENet, then a DNN, over the groups `user` and `item`.

    SENet has neither skip connection nor layer norm here, whatever its message says.
    """

    def __init__(self, pipeline: Pipeline, embeddings: GroupEmbeddings, seed: int):
        config = pipeline.config
        params = config.model_config.dssm_senet
        user, item = (
            FieldTower(config, embeddings, side, tower.dnn, seed, senet=tower.senet)
            for side, tower in (("user", params.user_tower), ("item", params.item_tower))
        )
        super().__init__(pipeline, embeddings, seed, params, user, item)
