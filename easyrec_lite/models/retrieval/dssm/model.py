"""DSSM: the two-tower model over embedded features.

Huang et al., Learning Deep Structured Semantic Models for Web Search using Clickthrough Data,
CIKM 2013.
"""

from __future__ import annotations

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config import Pipeline
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.models.retrieval.towers import FieldTower
from easyrec_lite.models.retrieval.two_tower import TwoTowerModel


@MODELS.implement("DSSM")
class DSSM(TwoTowerModel):
    """Towers are DNNs over the concatenated groups `user` and `item`."""

    def __init__(self, pipeline: Pipeline, embeddings: GroupEmbeddings, seed: int):
        config = pipeline.config
        params = config.model_config.dssm
        user = FieldTower(config, embeddings, "user", params.user_tower.dnn, seed)
        item = FieldTower(config, embeddings, "item", params.item_tower.dnn, seed)
        super().__init__(pipeline, embeddings, seed, params, user, item)
