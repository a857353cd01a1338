"""Repeats one random batch, so that a run can be measured without reading."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from easyrec_lite.checks.columns import InputField
from easyrec_lite.checks.specs.reader import READERS
from easyrec_lite.core.errors import Place, Problem
from easyrec_lite.data.readers.base import Reader, ReaderRequest
from easyrec_lite.data.readers.dummy.spec import DummySpec
from easyrec_lite.data.rows.order import ENDLESS, RecordRun, RowOrder
from easyrec_lite.data.rows.share import RowNumbers

DISTINCT = 1000


@READERS.implement(*DummySpec().names)
class DummyReader(Reader):
    """Gives random values of each field's type: labels 0 or 1, other numbers and texts below 1000.

    An epoch is one batch, and all batches are equal, for all workers. `shuffle` has no effect.
    """

    def __init__(self, request: ReaderRequest):
        super().__init__(request)
        self._labels = frozenset(request.data.label_fields)

    def _find(self, path: str) -> list[str]:
        return []

    def numbered(self, order: RowOrder, batch_size: int, drop_remainder: bool) -> tf.data.Dataset:
        """Returns (columns, `RowNumbers`) of the one batch, once an epoch."""
        random = np.random.default_rng(order.seed)
        columns = {field.name: self._column(field, batch_size, random) for field in self.fields}
        start = tf.convert_to_tensor(order.start, tf.int64)
        first = start[0] + tf.cast(start[1] > 0, tf.int64)
        last = ENDLESS if order.epochs is None else order.epochs

        @tf.autograph.experimental.do_not_convert
        def element(epoch: tf.Tensor) -> tuple[dict[str, tf.Tensor], RowNumbers]:
            row = tf.range(batch_size, dtype=tf.int64)
            position = tf.stack([epoch, tf.constant(batch_size, tf.int64)])
            return columns, RowNumbers(
                tf.fill([batch_size], epoch), row, position, tf.constant(True)
            )

        return tf.data.Dataset.range(first, last).map(element)

    def sizes(self) -> tuple[np.ndarray, int]:
        """Returns none: there are no files."""
        return np.zeros(0, np.int64), 0

    def records(self, order: RowOrder, sizes: np.ndarray) -> Iterator[RecordRun]:
        """Yields none."""
        return iter(())

    def _column(self, field: InputField, count: int, random: np.random.Generator) -> tf.Tensor:
        below = 2 if field.name in self._labels or field.type == "BOOL" else DISTINCT
        numbers = random.integers(below, size=count)
        if field.type == "STRING":
            return tf.strings.as_string(numbers)
        return tf.cast(numbers, field.dtype)

    def _place_of(self, order: RowOrder, epoch: int, row: int) -> Place:
        return Place("random numbers", row + 1)

    def _first_bad(self, order: RowOrder) -> list[Problem]:
        return []
