"""The candidates of a listwise model: which compete with a row's item, and their corrections.

Both follow from the model's own masks and from `model_config.softmax`, for all two-tower models.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from easyrec_lite.checks.item_id import item_id_field
from easyrec_lite.core import replicas
from easyrec_lite.features.batch import Batch
from easyrec_lite.losses.softmax.candidates import (
    Candidates,
    gathered_numbers,
    item_numbers,
    with_others,
)
from easyrec_lite.losses.softmax.corrections import Corrections, log_expected_counts
from easyrec_lite.losses.softmax.streaming import StreamingFrequency
from easyrec_lite.models.retrieval.params import TwoTowerParams
from easyrec_lite.protos.messages import EasyRecConfig


class CandidateSelector:
    """Selects the candidates that compete, and corrects their logits, as a config says.

    Args:
      config: the `EasyRecConfig` message, for `model_config.softmax`.
      params: the model's message, for `ignore_in_batch_neg_sam`, `item_id` and
        `mask_sampled_by_item_id`.

    Attributes:
      columns: raw columns that are read from `batch.extra`.
      variables: the state of a streaming estimate.
    """

    def __init__(self, config: EasyRecConfig, params: TwoTowerParams):
        self._options = config.model_config.softmax
        self._params = params
        self._item_id = item_id_field(config)
        self._streaming: StreamingFrequency | None = None
        self.variables: list[keras.Variable] = []
        if self._options.logq == self._options.STREAMING:
            self._streaming = StreamingFrequency(
                self._options.logq_buckets, self._options.logq_rate
            )
            self.variables = self._streaming.variables
        read = self._masked_by_id or self._streaming
        self.columns = (self._item_id,) if read else ()

    @property
    def _masked_by_id(self) -> bool:
        return bool(self._params.item_id or self._options.mask_false_negatives)

    def candidates(self, batch: Batch) -> Candidates:
        """Returns which of the batch's candidates compete with each row's positive."""
        ids = None
        if self._masked_by_id:
            column = batch.extra[self._item_id]
            options, params = self._options, self._params
            too = options.mask_false_negatives or params.mask_sampled_by_item_id
            sampled = batch.negative_extra.get(self._item_id) if too else None
            n = batch.sampled
            if self._gathers:
                ids = gathered_numbers(column, sampled, n, self._sent(batch))
            else:
                ids = item_numbers(column, sampled, n)
        return Candidates(self._in_batch, ids, batch.hard_pairs)

    @property
    def _gathers(self) -> bool:
        return self._options.cross_replica_negatives and replicas.count() > 1

    def vectors(self, items: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Returns the vectors of all candidates: those of `items` [N, D], then other replicas'."""
        return with_others(items, self._sent(batch)) if self._gathers else items

    def _sent(self, batch: Batch) -> tf.Tensor:
        """Returns which candidates are sent to other replicas, bool [N]; hard negatives are not."""
        n = batch.sampled
        sampled = tf.fill([n], True)
        if batch.hard_pairs is not None:
            hard = batch.hard_pairs[:, 1:]
            sampled = tf.tensor_scatter_nd_update(sampled, hard, tf.zeros_like(hard[:, 0], tf.bool))
        return tf.concat([tf.fill([batch.rows], self._in_batch), sampled], axis=0)

    @property
    def _in_batch(self) -> bool:
        return not self._params.ignore_in_batch_neg_sam

    def corrections(self, batch: Batch) -> Corrections:
        """Returns the corrections of a training batch; updates a streaming estimate first."""
        options = self._options
        log_counts = None if options.logq == options.OFF else self._log_counts(batch)
        return Corrections(log_counts, options.logq_of_positive, options.hardest_negatives)

    def _log_counts(self, batch: Batch) -> tf.Tensor:
        """Returns log expected counts, float32 [N]; 0 for hard negatives, which are not drawn."""
        assert batch.inclusions is not None
        frequencies = batch.frequencies
        if self._streaming is not None:
            frequencies = self._estimated(self._streaming, batch)
        assert frequencies is not None
        rows = tf.size(batch.inclusions) - batch.sampled
        all_rows, draws = rows, 1
        if self._gathers:
            all_rows, draws = replicas.total(rows), replicas.count()
        logs = log_expected_counts(
            frequencies, batch.inclusions, rows, self._in_batch, all_rows, draws
        )
        if batch.hard_pairs is not None:
            hard = tf.unique(batch.hard_pairs[:, 1]).y[:, None] + tf.cast(rows, tf.int64)
            logs = tf.tensor_scatter_nd_update(logs, hard, tf.zeros_like(hard[:, 0], logs.dtype))
        return with_others(logs, self._sent(batch)) if self._gathers else logs

    def _estimated(self, streaming: StreamingFrequency, batch: Batch) -> tf.Tensor:
        ids = batch.extra[self._item_id]
        streaming.update(ids)
        sampled = batch.negative_extra.get(self._item_id)
        parts = [streaming(ids)] + ([] if sampled is None else [streaming(sampled)])
        return tf.concat(parts, axis=0)
