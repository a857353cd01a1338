"""MultiTowerRecall: a network over the user, who is attended by the item, and the item.

Symbols: B rows, N candidates (the rows' own items, then n sampled ones), P pairs of both.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.values import FeatureValue, concat_rows
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.embeddings import GroupEmbeddings, Pairs
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.models.retrieval.multi_tower_recall.spec import ITEM, USER, reads_pairs
from easyrec_lite.models.retrieval.row_model import RowModel

OUTPUT = "output"


@MODELS.implement("MultiTowerRecall")
class MultiTowerRecall(RowModel):
    """Computes `logit = dense(final_dnn([user_dnn(user), item_dnn(item)]))`.

    The keys of the user's attentions are features of the item, so that each item has a user vector
    of its own. In training, sampled items go the same way as a row's own item, whose logit alone is
    compared with the label: they change the moments of batch normalisation, and the embedding
    penalty counts what is looked up for them.
    """

    def __init__(self, pipeline: Pipeline, embeddings: GroupEmbeddings, seed: int):
        config = pipeline.config
        params = config.model_config.multi_tower_recall
        super().__init__(pipeline, embeddings, seed, params)
        if config.data_config.WhichOneof("sampler"):
            self.candidate_groups = (ITEM,)
        self._reads_pairs = reads_pairs(params, embeddings.attentions[USER])
        self.kernels += embeddings.kernels(USER)
        user, item, final = params.user_tower.dnn, params.item_tower.dnn, params.final_dnn
        self._user = self.dnn(user, "user_dnn", embeddings.width(USER))
        self._item = self.dnn(item, "item_dnn", embeddings.width(ITEM))
        width = user.hidden_units[-1] + item.hidden_units[-1]
        self._final = self.dnn(final, "final_dnn", width)
        start = keras.initializers.GlorotUniform(seed=derive_seed(seed, OUTPUT))
        self._output = keras.layers.Dense(1, kernel_initializer=start, name=OUTPUT)
        self._output.build((None, final.hidden_units[-1]))
        self.add_layer(self._output)

    def __call__(self, batch: Batch, training: bool) -> Outputs:
        """Returns `logits` and `probs` [B]."""
        if not training:
            return Outputs(self.objective.predictions(self._logits(batch.features)), {})
        features, pairs = self._candidates(batch)
        user, penalties = self.joined(USER, features, True, pairs)
        item, more = self.joined(ITEM, features, True, pairs)
        logits = self._scored(user, item, True)[: batch.rows]
        penalties = {**penalties, **more, **self.kernel_penalties()}
        return Outputs(self.objective.predictions(logits), penalties)

    def serve(self, features: dict[str, FeatureValue]) -> dict[str, tf.Tensor]:
        """Returns `logits` and `probs` [B]."""
        return self.objective.predictions(self._logits(features))

    def _logits(self, features: dict[str, FeatureValue]) -> tf.Tensor:
        user, _ = self.joined(USER, features, False)
        item, _ = self.joined(ITEM, features, False)
        return self._scored(user, item, False)

    def _scored(self, user: tf.Tensor, item: tf.Tensor, training: bool) -> tf.Tensor:
        """Returns the logits [P] of joined vectors of users and items [P, ·]."""
        vectors = [self._user(user, training=training), self._item(item, training=training)]
        final = self._final(tf.concat(vectors, axis=-1), training=training)
        return self._output(final)[:, 0]

    def _candidates(self, batch: Batch) -> tuple[dict[str, FeatureValue], Pairs]:
        """Returns the features of the B rows, of items those of N candidates, and the pairs.

        Pair i < B is row i with its own item. The others are B·n pairs with sampled items, if batch
        normalisation reads them.
        """
        items = {
            name: concat_rows(batch.features[name], value)
            for name, value in batch.negatives.items()
        }
        count, sampled = batch.rows, batch.sampled
        rows = candidates = tf.range(count)
        if items and self._reads_pairs:
            more = tf.repeat(tf.range(count), sampled)
            rows = tf.concat([rows, more], axis=0)
            drawn = tf.tile(count + tf.range(sampled), [count])
            candidates = tf.concat([candidates, drawn], axis=0)
        return {**batch.features, **items}, Pairs(rows, candidates, frozenset(items))
