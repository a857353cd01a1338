"""SequenceFeature: ids or numbers in order."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.feature import FEATURE_KINDS
from easyrec_lite.data.rows.values import DenseSteps, FeatureValue, Steps
from easyrec_lite.features import columns
from easyrec_lite.features.ids import IdSource, id_source
from easyrec_lite.features.kinds.base import Columns, FeatureKind
from easyrec_lite.features.numbers import NumberTransform


@FEATURE_KINDS.implement("SequenceFeature")
class SequenceFeature(FeatureKind):
    """Column of lists → `Steps` or `DenseSteps`, the first `max_seq_len` steps of each row.

    With `step_order` they are the newest `max_seq_len` steps, from the oldest to the newest.

    A text is split at `separator`; see `Feature.keeps_empty_steps`. `seq_multi_sep` splits each
    step again: into several ids (`Steps` [B, (L), (M)]), or into its `raw_input_dim` numbers.
    """

    def __init__(self, feature: Feature):
        super().__init__(feature)
        self.source: IdSource | None = id_source(feature) if feature.reads_ids else None
        self.numbers = NumberTransform(feature)

    def __call__(self, given: Columns) -> FeatureValue:
        """Returns the steps of each row."""
        steps = self._steps(given)
        if self.source is None:
            return self._numeric(steps)
        values = self._values(steps)
        if isinstance(values, tf.RaggedTensor):
            return Steps(
                steps.with_values(values.with_values(self.source.of_pieces(values.values)))
            )
        return Steps(steps.with_values(self.source.of_pieces(values)))

    def cells(self, given: Columns) -> Iterator[columns.Met]:
        """Yields what the cells must be, and which rows' are."""
        steps = self._steps(given)
        for message, met in self._step_cells(steps):
            yield message, columns.by_row(steps, met)

    def _step_cells(self, steps: tf.RaggedTensor) -> Iterator[columns.Met]:
        """Yields what steps [N] must be, and which are."""
        if self.source is None:
            separator = self.feature.config.seq_multi_sep
            yield from columns.vector_cells(self.feature, steps.values, separator)
            return
        values = self._values(steps)
        if not isinstance(values, tf.RaggedTensor):
            yield from self.source.cells(values)
            return
        for message, met in self.source.cells(values.values):
            yield message, columns.by_row(values, met)

    def lengths(self, given: Columns) -> tf.Tensor:
        """Returns the number of steps of each row, int64 [B]."""
        return self._steps(given).row_lengths()

    def unknown(self, given: Columns) -> tuple[tf.Tensor, tf.Tensor] | None:
        """Returns the values [N], and which are unknown or out of range, bool [N]."""
        if self.source is None:
            return None
        values = self._values(self._steps(given))
        values = values.values if isinstance(values, tf.RaggedTensor) else values
        return values, self.source.unknown(values)

    def _steps(self, given: Columns) -> tf.RaggedTensor:
        (column,), config = self.inputs(given), self.feature.config
        steps = columns.pieces(column, config.separator, self.feature.keeps_empty_steps)
        limit, order = config.max_seq_len, self.feature.step_order
        if order == "OLDEST_FIRST":
            return columns.newest(steps, limit) if limit else steps
        steps = columns.truncate(steps, limit) if limit else steps
        return columns.backwards(steps) if order else steps

    def _values(self, steps: tf.RaggedTensor) -> tf.Tensor | tf.RaggedTensor:
        if not self.feature.config.seq_multi_sep:
            return steps.values
        return columns.pieces(steps.values, self.feature.config.seq_multi_sep)

    def _numeric(self, steps: tf.RaggedTensor) -> FeatureValue:
        values = columns.vectors(self.feature, steps.values, self.feature.config.seq_multi_sep)
        if not self.numbers.bucketised:
            return DenseSteps(steps.with_values(self.numbers.scaled(values)))
        ids = self.numbers.buckets(values)
        if ids.shape[1] == 1:
            return Steps(steps.with_values(ids[:, 0]))
        return Steps(steps.with_values(tf.RaggedTensor.from_tensor(ids)))
