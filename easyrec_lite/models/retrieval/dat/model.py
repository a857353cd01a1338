"""DAT: towers augmented by vectors that learn to mimic the other side's.

Yu et al., A Dual Augmented Two-tower Model for Online Large-scale Recommendation, DLP-KDD 2021.
"""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config import Pipeline
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.losses.weighting import weighted_mean
from easyrec_lite.models.retrieval.similarity import COSINE, SimilarityHead, least_temperature
from easyrec_lite.models.retrieval.towers import FieldTower, TowerOutput
from easyrec_lite.models.retrieval.two_tower import TwoTowerModel


@MODELS.implement("DAT")
class DAT(TwoTowerModel):
    """Each tower reads its group and an augment vector a; both outputs p are normalised.

    The mimic losses pull a_u towards the p_i of items that the user took, and a_i towards the
    p_u of users who took the item: `amm_loss_u = weight · mean((a_u − stopgrad(p_i))²)` over the
    positives, and likewise `amm_loss_i`. The similarity is always the cosine by temperature.
    """

    def __init__(self, pipeline: Pipeline, embeddings: GroupEmbeddings, seed: int):
        config = pipeline.config
        params = config.model_config.dat
        user, item = (
            FieldTower(config, embeddings, side, tower.dnn, seed, augment_group=augment)
            for side, tower, augment in (
                ("user", params.user_tower, "user_id_augment"),
                ("item", params.item_tower, "item_id_augment"),
            )
        )
        head = SimilarityHead(
            COSINE, params.temperature, least=least_temperature(config.model_config)
        )
        super().__init__(pipeline, embeddings, seed, params, user, item, head)

    def listwise_losses(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the losses of a two-tower model, and both mimic losses."""
        vectors, params = outputs.predictions, self.config.model_config.dat
        rows = tf.shape(vectors["augmented_a_u"])[0]
        mimic_user = _mimic(vectors["augmented_a_u"], vectors["augmented_p_i"][:rows])
        mimic_item = _mimic(vectors["augmented_a_i"][:rows], vectors["augmented_p_u"])
        return {
            **super().listwise_losses(outputs, batch),
            "amm_loss_u": params.amm_u_weight * weighted_mean(mimic_user, batch.weights),
            "amm_loss_i": params.amm_i_weight * weighted_mean(mimic_item, batch.weights),
        }

    def _vectors(self, user: TowerOutput, item: TowerOutput) -> dict[str, tf.Tensor]:
        assert user.augmented is not None
        assert item.augmented is not None
        vectors = super()._vectors(user, item)
        return {
            **vectors,
            "augmented_p_u": vectors["user_tower_emb"],
            "augmented_p_i": vectors["item_tower_emb"],
            "augmented_a_u": user.augmented,
            "augmented_a_i": item.augmented,
        }


def _mimic(augmented: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Returns [B] mean squared differences [B, D]; the target learns nothing from it."""
    squares = tf.math.squared_difference(augmented, tf.stop_gradient(target))
    return tf.reduce_mean(squares, axis=-1)
