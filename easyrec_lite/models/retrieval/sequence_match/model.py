"""SequenceMatch: a causal encoder of the user's history, trained to predict what comes next."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.values import FeatureValue, Ids, Steps
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.losses.softmax.blocked import CandidateLoss
from easyrec_lite.losses.softmax.candidates import Candidates
from easyrec_lite.losses.softmax.own_items import OwnItems
from easyrec_lite.models.retrieval.sequence_match.spec import GROUP, ITEM_GROUP, history_of
from easyrec_lite.models.retrieval.sequence_match.tower import SequenceTower
from easyrec_lite.models.retrieval.task import ITEM_VECTORS, USER_VECTORS
from easyrec_lite.models.retrieval.towers import EmbeddingTower, FieldTower, Tower, TowerOutput
from easyrec_lite.models.retrieval.two_tower import TwoTowerModel
from easyrec_lite.protos.messages import SequenceMatch as Params

STEP_VECTORS = "step_emb"


@MODELS.implement("SequenceMatch")
class SequenceMatch(TwoTowerModel):
    """The vector after each step of a history predicts the item of the next one.

    The last step predicts the row's own item. Negatives are all ids of the item's feature, or the
    sampled items; an item is never a negative of itself, and with `softmax.mask_false_negatives` no
    item of the row's history is, nor the row's own item.
    """

    def __init__(self, pipeline: Pipeline, embeddings: GroupEmbeddings, seed: int):
        config = pipeline.config
        params = config.model_config.sequence_match
        item: Tower = EmbeddingTower(config, embeddings, ITEM_GROUP)
        if params.HasField("item_tower"):
            item = FieldTower(config, embeddings, ITEM_GROUP, params.item_tower, seed)
        self._sequence = SequenceTower(config, embeddings, params, item.width, seed)
        super().__init__(pipeline, embeddings, seed, params, self._sequence, item)
        self._catalogue = params.negatives == Params.CATALOGUE
        self._masks_own = config.model_config.softmax.mask_false_negatives
        # The item's features, the first of which identifies it, and where its ids are in a history.
        self._features = [feature.name for feature in embeddings.groups[ITEM_GROUP]]
        self._id = embeddings.groups[ITEM_GROUP][0]
        groups = embeddings.groups
        self._steps = {f.name: history_of(f, groups[GROUP]) for f in groups[ITEM_GROUP]}

    def listwise_losses(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the losses of the items that follow."""
        user, weights = outputs.predictions[USER_VECTORS], batch.weights
        targets = {name: batch.features[name] for name in self._features}
        every, lengths = outputs.predictions.get(STEP_VECTORS), None
        if every is not None:
            user = every
            targets, lengths = self._following(batch)
        ids = self._ids(targets)
        known = tf.cast(ids >= 0, tf.float32)
        weights = known if weights is None else _of_steps(weights, lengths) * known
        positives, (items, item_ids) = self._positives(targets, outputs, batch)
        log_counts = self._log_counts(outputs, batch)
        own_items = self._own_items(batch, item_ids, lengths)
        losses = {}
        for given in self.candidate_losses:
            sessions = given.sessions(batch)
            if sessions is not None:
                sessions = _of_steps(sessions, lengths)
            users, own, others = self._loss_vectors(given.loss, user, positives, items)
            value = given.loss.shared(
                users, own, ids, others, item_ids, weights, log_counts, sessions, own_items
            )
            losses[given.name] = given.weight * value
        return losses

    def _loss_vectors(
        self, loss: CandidateLoss, user: tf.Tensor, positives: tf.Tensor, items: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns users, positives and items, whose inner products are what a loss reads."""
        if loss.scaled:
            user = self.head.scaled(user)
        if not loss.shifted:
            return user, positives, items
        shifted, positives = self.head.with_shift(user, positives)
        return shifted, positives, self.head.with_shift(user, items)[1]

    def _masks(self, batch: Batch) -> Candidates:
        masks = super()._masks(batch)
        ids = self._ids(self._candidate_features(batch))
        return masks._replace(own_items=self._own_items(batch, ids, None))

    def _own_items(
        self, batch: Batch, ids: tf.Tensor, lengths: tf.Tensor | None
    ) -> OwnItems | None:
        """Returns which of the items with ids [N] are of a row's whole history, or its own.

        Args:
          batch: B rows.
          ids: int64 [N].
          lengths: int64 [B], the steps of each row that are trained on; None: one.
        """
        history = self._steps[self._id.name]
        if not self._masks_own or history is None:
            return None
        steps = batch.features[history]
        assert isinstance(steps, Steps)
        own = tf.concat([steps.ids, self._ids(batch.features)[:, None]], axis=1)
        return OwnItems.among(ids, own, _of_steps(tf.range(batch.rows), lengths))

    def _vectors(self, user: TowerOutput, item: TowerOutput) -> dict[str, tf.Tensor]:
        vectors = super()._vectors(user, item)
        if user.steps is not None:
            vectors[STEP_VECTORS] = self.head.vectors(user.steps)
        return vectors

    def _following(self, batch: Batch) -> tuple[dict[str, FeatureValue], tf.Tensor]:
        """Returns the item's features at all P steps' targets, and how many each row has, [B]."""
        targets: dict[str, FeatureValue] = {}
        for name in self._features:
            own, history = batch.features[name], self._steps[name]
            assert isinstance(own, Ids)
            assert history is not None
            steps = self._sequence.newest(batch.features[history])
            assert isinstance(steps, Steps)
            following = tf.concat([steps.ids, own.ids[:, None]], axis=1)
            targets[name] = Ids(following.flat_values)
            lengths = following.row_lengths()
        return targets, lengths

    def _positives(
        self, targets: dict[str, FeatureValue], outputs: Outputs, batch: Batch
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
        """Returns the vectors [P, D] of the targets; and the shared items' vectors and ids."""
        if self._catalogue:
            every = tf.range(self._id.rows, dtype=tf.int64)
            items = self._item_vectors({self._id.name: Ids(every)})
            return tf.gather(items, tf.maximum(self._ids(targets), 0)), (items, every)
        rows = batch.rows
        sampled = outputs.predictions[ITEM_VECTORS][rows:], self._ids(batch.negatives)
        if STEP_VECTORS in outputs.predictions:
            return self._item_vectors(targets), sampled
        return outputs.predictions[ITEM_VECTORS][:rows], sampled

    def _item_vectors(self, features: dict[str, FeatureValue]) -> tf.Tensor:
        return self.head.vectors(self._item(features, True).vectors)

    def _ids(self, features: dict[str, FeatureValue]) -> tf.Tensor:
        value = features[self._id.name]
        assert isinstance(value, Ids)
        return value.ids

    def _log_counts(self, outputs: Outputs, batch: Batch) -> tf.Tensor | None:
        """Returns the logs of how often each sampled item is expected, [n], if logQ is on."""
        if self._catalogue or batch.inclusions is None or STEP_VECTORS not in outputs.predictions:
            return None
        return tf.math.log(tf.maximum(batch.inclusions[batch.rows :], 1e-9))


def _of_steps(values: tf.Tensor, lengths: tf.Tensor | None) -> tf.Tensor:
    """Returns values [B] of rows for each of their steps, [P]; without lengths, as they are."""
    return values if lengths is None else tf.repeat(values, lengths)
