"""Two-tower models: a tower for each side, a similarity head, listwise or pointwise losses."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.values import FeatureValue, concat_rows
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.losses.softmax.candidates import Candidates
from easyrec_lite.losses.softmax.corrections import Corrections
from easyrec_lite.losses.softmax.interests import interest_scores, repeat_first
from easyrec_lite.losses.softmax.loss import candidate_logits, masked_logits
from easyrec_lite.losses.terms import LossTerm, loss_terms
from easyrec_lite.losses.weighting import weighted_mean
from easyrec_lite.models.base import REGULARIZATION, Model, Signature
from easyrec_lite.models.regularization import kernel_penalty
from easyrec_lite.models.retrieval.candidates import CandidateSelector
from easyrec_lite.models.retrieval.objective import GivenLoss, candidate_losses
from easyrec_lite.models.retrieval.params import TwoTowerParams
from easyrec_lite.models.retrieval.pointwise import PointwiseObjective
from easyrec_lite.models.retrieval.similarity import SimilarityHead, similarity_head
from easyrec_lite.models.retrieval.spec import TwoTowerSpec
from easyrec_lite.models.retrieval.task import (
    INTEREST_COUNTS,
    ITEM_VECTORS,
    USER_VECTORS,
    Combine,
    UserVectors,
    retrieves,
    tower_signatures,
)
from easyrec_lite.models.retrieval.towers import Tower, TowerOutput


class TwoTowerModel(Model):
    """A user tower, an item tower, a similarity head and its losses: a `Retrieval` model.

    The user tower returns one vector of a user, or K, one for each interest; an item's logit is
    then the largest of its K, unless a subclass defines a method `combine`.

    Listwise losses compare each row's item with those of other rows and with sampled ones;
    pointwise losses compare the logit of a row's user and item with the row's label.

    Args:
      pipeline, embeddings, seed: as of `Model`.
      params: the model's message, for its l2_regularization, simi_func, temperature, scale_simi
        and masks (see `CandidateSelector`).
      user, item: the towers, built.
      head: the similarity head; None for the one that `params` describes.
      terms: the losses of rows or candidates; None for those that the config names.

    Attributes:
      listwise: whether a row's item competes with other candidates.
      candidate_losses: the losses in which it does.
      label: the label field, of a pointwise model.
    """

    spec = TwoTowerSpec
    combine: Combine | None = None

    def __init__(
        self,
        pipeline: Pipeline,
        embeddings: GroupEmbeddings,
        seed: int,
        params: TwoTowerParams,
        user: Tower,
        item: Tower,
        head: SimilarityHead | None = None,
        terms: list[LossTerm] | None = None,
    ):
        super().__init__(pipeline, embeddings, seed)
        config = pipeline.config
        self.params = params
        self.head = similarity_head(config.model_config, params) if head is None else head
        self.user_groups, self.item_groups = user.groups, item.groups
        self.interests = user.interests
        self._user, self._item = user, item
        self._candidates = CandidateSelector(config, params)
        terms = loss_terms(config.model_config) if terms is None else terms
        self.listwise = any(term.listwise for term in terms)
        self.candidate_groups = item.groups if self.listwise else ()
        self._pointwise = None if self.listwise else PointwiseObjective(config, terms)
        self.label = self._pointwise.label if self._pointwise else ""
        self.candidate_losses = candidate_losses(terms, self.head) if self.listwise else []
        sessions = [loss.session_name for loss in self.candidate_losses if loss.session_name]
        self.extra_columns = (
            self._pointwise.columns
            if self._pointwise
            else tuple(dict.fromkeys([*self._candidates.columns, *sessions]))
        )
        for layer in (*user.layers, *item.layers):
            self.add_layer(layer)
        self.add_variables([*self.head.variables, *self._candidates.variables])
        searched = [
            key.name
            for group in user.groups
            for attention in embeddings.attentions[group]
            for key in attention.searched_keys
        ]
        named = [feature.name for group in user.groups for feature in embeddings.groups[group]]
        self._item_keys = frozenset(searched).difference(named)

    def __call__(self, batch: Batch, training: bool) -> Outputs:
        """Returns the vectors of B users and N items, and logits unless training listwise.

        Predictions: `user_tower_emb` [B, D] or [B, K, D], `item_tower_emb` [N, D]; pointwise
        `logits`, `probs` [B] (or `y` [B]); listwise out of training `logits`, `probs` [B, N]. In
        training, the listwise logits would only cost memory: see `logits`.
        """
        user = self._user.with_losses(self._user_features(batch), training)
        item = self._item.with_losses(self._candidate_features(batch), training)
        losses = {**(user.losses or {}), **(item.losses or {})}
        predictions = self._vectors(user, item)
        if self._pointwise is not None:
            predictions |= self._pointwise.predictions(self._row_logits(predictions))
        elif not training:
            logits = self.logits(Outputs(predictions, {}), batch)
            predictions |= {"logits": logits, "probs": tf.nn.softmax(logits)}
        if not training:
            return Outputs(predictions, {}, losses=losses)
        corrections = self._candidates.corrections(batch) if self.listwise else Corrections()
        return Outputs(predictions, self._penalties(user, item), corrections, losses)

    def logits(self, outputs: Outputs, batch: Batch) -> tf.Tensor:
        """Returns the logits: listwise [B, N], −inf for a masked candidate; pointwise [B]."""
        if not self.listwise:
            return self._row_logits(outputs.predictions)
        user, items = self._compared(outputs)
        masks = self._masks(batch)
        if self._combines:
            scores = masked_logits(self.head.scaled(self._combined(user, items)), masks)
        else:
            scores = candidate_logits(self.head.scaled(user), items, masks)
        return self.head.shifted(scores)

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the loss terms, each already times its weight, to be summed."""
        if self._pointwise is not None:
            terms = self._pointwise.losses(self._row_logits(outputs.predictions), batch)
        else:
            terms = self.listwise_losses(outputs, batch)
        terms |= outputs.losses or {}
        if outputs.penalties:
            terms[REGULARIZATION] = tf.add_n(list(outputs.penalties.values()))
        return terms

    def row_weight(self, batch: Batch) -> tf.Tensor:
        """Returns the divisor of the batch's losses: Σ w, or pointwise the rows with w ≠ 0."""
        if self._pointwise is not None:
            return self._pointwise.row_weight(batch)
        if batch.weights is None:
            return super().row_weight(batch)
        return tf.reduce_sum(batch.weights)

    def listwise_losses(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the losses over candidates, and `reg_pos_loss`, `relu(−⟨u_i, i_i⟩)`."""
        user, items = self._compared(outputs)
        candidates = self._candidates.vectors(items, batch)
        # The gradient of a slice by brackets is several times slower.
        one = user if len(user.shape) == 2 else user[:, 0]
        positives = self._row_scores(user, tf.slice(items, [0, 0], tf.shape(one)))
        losses = {
            each.name: each.weight * self._candidate_loss(each, user, candidates, outputs, batch)
            for each in self.candidate_losses
        }
        return {**losses, "reg_pos_loss": weighted_mean(tf.nn.relu(-positives), batch.weights)}

    def _candidate_loss(
        self, given: GivenLoss, user: tf.Tensor, items: tf.Tensor, outputs: Outputs, batch: Batch
    ) -> tf.Tensor:
        """Returns one loss of users [B, D] or [B, K, D] and all candidates [N, D]."""
        loss, masks = given.loss, self._masks(batch)
        more = (masks, batch.weights, outputs.corrections, given.sessions(batch))
        if self._combines:
            logits = self._combined(user, items)
            if loss.scaled:
                logits = self.head.scaled(logits)
            if loss.shifted:
                logits = self.head.shifted(logits)
            return loss.of_logits(logits, *more)
        if loss.scaled:
            user = self.head.scaled(user)
        if loss.shifted:
            user, items = self.head.with_shift(user, items)
        return loss.in_batch(user, items, *more)

    @property
    def towers(self) -> dict[str, Tower]:
        """The towers, `user` and `item`."""
        return {"user": self._user, "item": self._item}

    def shown(self) -> dict[str, tf.Tensor]:
        """Returns the temperature, if it is learnt."""
        temperature = self.head.learnt_temperature
        return {} if temperature is None else {"temperature": temperature}

    def user_vectors(self, features: dict[str, FeatureValue]) -> UserVectors:
        """Returns the vectors of B users, as served."""
        output = self._user(features, False)
        vectors = self._interests(output)
        if self.interests == 1:
            return UserVectors(vectors[:, None])
        return UserVectors(vectors, output.counts)

    def item_vectors(self, features: dict[str, FeatureValue]) -> tf.Tensor:
        """Returns the vectors of N items, float32 [N, D], as served."""
        return self.head.vectors(self._item(features, False).vectors)

    def signatures(self) -> dict[str, Signature]:
        """Returns the functions to export: `scorer`, `user_tower` and `item_tower`.

        A user tower that attends with keys of the item (`allow_item_keys`) has no user vectors to
        export: only the scorer is.
        """
        towers = tower_signatures(self) if retrieves(self) else {}
        return {**super().signatures(), **towers}

    def serve(self, features: dict[str, FeatureValue]) -> dict[str, tf.Tensor]:
        """Returns the scorer's outputs for B rows of a user and an item each.

        `logits` and `probs = sigmoid(logits)` [B] (or `y` [B]), `user_tower_emb` and
        `item_tower_emb` float32 [B, D], `user_emb` and `item_emb` string [B], comma-joined. Of K
        interests `user_tower_emb` is [B, K, D], and `user_emb` joins their texts by `|`.
        """
        vectors = self._vectors(self._user(features, False), self._item(features, False))
        logits = self._row_logits(vectors)
        scores = (
            {"logits": logits, "probs": tf.sigmoid(logits)}
            if self._pointwise is None
            else self._pointwise.predictions(logits)
        )
        return {
            **scores,
            **vectors,
            "user_emb": joined_text(vectors[USER_VECTORS]),
            "item_emb": joined_text(vectors[ITEM_VECTORS]),
        }

    def _vectors(self, user: TowerOutput, item: TowerOutput) -> dict[str, tf.Tensor]:
        counts = {} if user.counts is None else {INTEREST_COUNTS: user.counts}
        return {
            USER_VECTORS: self._interests(user),
            ITEM_VECTORS: self.head.vectors(item.vectors),
            **counts,
        }

    def _interests(self, user: TowerOutput) -> tf.Tensor:
        """Returns the vectors of B users as the head compares them, [B, D] or [B, K, D].

        Copies of a user's first interest take the places of those that it does not have: they
        change no maximum, and get no gradient, as the first of equal interests wins an item.
        """
        vectors = self.head.vectors(user.vectors)
        if self.interests == 1:
            return vectors[:, 0] if len(vectors.shape) == 3 else vectors
        return vectors if user.counts is None else repeat_first(vectors, user.counts)

    def _masks(self, batch: Batch) -> Candidates:
        """Returns which of the batch's candidates compete with each row's item."""
        return self._candidates.candidates(batch)

    def _compared(self, outputs: Outputs) -> tuple[tf.Tensor, tf.Tensor]:
        return outputs.predictions[USER_VECTORS], outputs.predictions[ITEM_VECTORS]

    def _row_logits(self, predictions: dict[str, tf.Tensor]) -> tf.Tensor:
        user, item = predictions[USER_VECTORS], predictions[ITEM_VECTORS]
        if len(user.shape) == 2:
            return self.head.row_logits(user, item)
        return self.head.shifted(self.head.scaled(self._row_scores(user, item)))

    def _row_scores(self, user: tf.Tensor, item: tf.Tensor) -> tf.Tensor:
        """Returns [B], the score of each row's user ([B, D] or [B, K, D]) and item [B, D]."""
        if len(user.shape) == 2:
            return tf.reduce_sum(user * item, axis=-1)
        scores = tf.reduce_sum(user * item[:, None], axis=-1)
        if self.combine is None:
            return tf.reduce_max(scores, axis=-1)
        return self.combine(scores[:, :, None])[:, 0]

    @property
    def _combines(self) -> bool:
        """Whether a logit is something else than the largest one of the interests."""
        return self.interests > 1 and self.combine is not None

    def _combined(self, user: tf.Tensor, items: tf.Tensor) -> tf.Tensor:
        """Returns the model's own scores [B, N] of users [B, K, D] and items [N, D]."""
        assert self.combine is not None
        return self.combine(interest_scores(user, items))

    def _user_features(self, batch: Batch) -> dict[str, FeatureValue]:
        """Returns the B rows' features; keys of the item also have the values of sampled items.

        As in EasyRec, those further values are looked up and regularised.
        """
        keys = self._item_keys.intersection(batch.negatives)
        sampled = {name: concat_rows(batch.features[name], batch.negatives[name]) for name in keys}
        return {**batch.features, **sampled}

    def _candidate_features(self, batch: Batch) -> dict[str, FeatureValue]:
        """Returns the item side's features: of B rows, then of the n sampled items."""
        if not self.listwise:
            return batch.features
        return {
            name: concat_rows(batch.features[name], value)
            for name, value in batch.negatives.items()
        } or batch.features

    def _penalties(self, user: TowerOutput, item: TowerOutput) -> dict[str, tf.Tensor]:
        penalties = {**user.penalties, **item.penalties}
        kernels = [*self._user.kernels, *self._item.kernels]
        if self.params.l2_regularization and kernels:
            penalties["kernels"] = kernel_penalty(kernels, self.params.l2_regularization)
        return penalties


def joined_text(vectors: tf.Tensor) -> tf.Tensor:
    """Returns [B]: vectors [B, D] joined by commas, several of a row [B, K, D] by `|`."""
    texts = tf.strings.reduce_join(tf.strings.as_string(vectors), axis=-1, separator=",")
    return texts if len(vectors.shape) == 2 else tf.strings.reduce_join(texts, -1, separator="|")
