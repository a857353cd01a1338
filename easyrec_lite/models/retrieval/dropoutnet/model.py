"""DropoutNet: towers that learn to do without preferences.

Volkovs et al., DropoutNet: Addressing Cold Start in Recommender Systems, NeurIPS 2017.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from easyrec_lite.checks.item_id import item_id_field
from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config import Pipeline
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.losses.negative_mining.loss import MinedRows
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.losses.terms import LossTerm, loss_terms
from easyrec_lite.models.retrieval.dropoutnet.tower import ContentPreferenceTower
from easyrec_lite.models.retrieval.params import PlainParams
from easyrec_lite.models.retrieval.similarity import SimilarityHead
from easyrec_lite.models.retrieval.task import ITEM_VECTORS, USER_VECTORS
from easyrec_lite.models.retrieval.towers import TowerOutput
from easyrec_lite.models.retrieval.two_tower import TwoTowerModel

SHIFTS = "negative_shifts"


class ShiftDraws(keras.layers.Layer):
    """Draws by how many rows a batch is rolled for each negative.

    Args:
      negatives: how many are drawn.
      seed: seed of the draws.
      name: the layer's name.
    """

    def __init__(self, negatives: int, seed: int, name: str):
        super().__init__(name=name)
        self._count, self._seed = negatives, seed
        self._generator = keras.random.SeedGenerator(seed)

    def call(self, rows: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the shifts of a batch, int32 [n], in 1 … rows − 1; out of training the same."""
        if training:
            draws = keras.random.uniform([self._count], seed=self._generator)
        else:
            draws = tf.random.stateless_uniform([self._count], seed=[self._seed, 0])
        return 1 + tf.cast(draws * tf.cast(rows - 1, tf.float32), tf.int32)


@MODELS.implement("DropoutNet")
class DropoutNet(TwoTowerModel):
    """Each tower reads content and preferences; the score is the cosine of both vectors.

    Attributes:
      shifts: draws the negatives of the loss with mining; None without it.
    """

    def __init__(self, pipeline: Pipeline, embeddings: GroupEmbeddings, seed: int):
        config = pipeline.config
        model = config.model_config
        params = model.dropoutnet
        terms = [_term(term) for term in loss_terms(model)]
        self._mined = [
            term if _given(term) else term._replace(params=params.softmax_loss)
            for term in terms
            if term.scored == "mined"
        ]
        user, item = (
            ContentPreferenceTower(config, embeddings, side, seed) for side in ("user", "item")
        )
        plain = PlainParams(params.l2_regularization)
        head = SimilarityHead(plain.simi_func)
        rows = [term for term in terms if term.scored == "row"]
        super().__init__(pipeline, embeddings, seed, plain, user, item, head, rows)
        self._id = item_id_field(config) if self._mined else ""
        if self._id:
            self.extra_columns = tuple(dict.fromkeys([*self.extra_columns, self._id]))
        self.shifts: ShiftDraws | None = None
        if self._mined:
            most = max(term.params.num_negative_samples for term in self._mined)
            self.shifts = ShiftDraws(most, derive_seed(seed, SHIFTS), SHIFTS)
            self.add_layer(self.shifts)

    def __call__(self, batch: Batch, training: bool) -> Outputs:
        """Returns what a pointwise model of two towers does, and the draws of negatives."""
        outputs = super().__call__(batch, training)
        if self.shifts is not None:
            outputs.predictions[SHIFTS] = self.shifts(batch.rows, training=training)
        return outputs

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the losses of rows, those with mined negatives, and the penalties."""
        terms = super().losses(outputs, batch)
        vectors = outputs.predictions
        for term in self._mined:
            rows = MinedRows(
                vectors[USER_VECTORS],
                vectors[ITEM_VECTORS],
                batch.labels[self.label],
                vectors[SHIFTS][: term.params.num_negative_samples],
                batch.weights,
                batch.extra.get(self._id),
            )
            terms[term.name] = term.weight * LOSSES.get(term.loss_type)(rows, term.params)
        return terms

    def _vectors(self, user: TowerOutput, item: TowerOutput) -> dict[str, tf.Tensor]:
        """Returns the vectors, and the similarity [B], also under EasyRec's names."""
        vectors = super()._vectors(user, item)
        users, items = vectors[USER_VECTORS], vectors[ITEM_VECTORS]
        return {
            **vectors,
            "similarity": tf.reduce_sum(users * items, axis=-1),
            "float_user_emb": users,
            "float_item_emb": items,
        }


def _given(term: LossTerm) -> bool:
    """Whether the entry of `losses` has the parameters, not the model's message."""
    return term.params is not None and term.params.num_negative_samples > 0


def _term(term: LossTerm) -> LossTerm:
    """Returns the term under EasyRec's name for it in this model, unless it has one of its own."""
    spec = LOSSES.spec(term.loss_type)
    if not spec.mixed_name or term.name != spec.shown(term.loss_type):
        return term
    return term._replace(name=spec.mixed_name)
