"""DSSM: the two-tower model over embedded features.

Huang et al., Learning Deep Structured Semantic Models for Web Search using Clickthrough Data,
CIKM 2013.
"""

from __future__ import annotations

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config import Pipeline
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.models.retrieval.towers import EmbeddingTower, FieldTower, Tower
from easyrec_lite.models.retrieval.two_tower import TwoTowerModel
from easyrec_lite.protos.messages import DNN


@MODELS.implement("DSSM")
class DSSM(TwoTowerModel):
    """Towers are DNNs over the concatenated groups `user` and `item`.

    A tower without `hidden_units` is the group itself: with one id on each side, the model is a
    matrix factorization.
    """

    def __init__(self, pipeline: Pipeline, embeddings: GroupEmbeddings, seed: int):
        config = pipeline.config
        params = config.model_config.dssm

        def tower(side: str, dnn: DNN) -> Tower:
            if dnn.hidden_units:
                return FieldTower(config, embeddings, side, dnn, seed)
            return EmbeddingTower(config, embeddings, side)

        user = tower("user", params.user_tower.dnn)
        item = tower("item", params.item_tower.dnn)
        super().__init__(pipeline, embeddings, seed, params, user, item)
