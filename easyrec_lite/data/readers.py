"""From data files to raw columns: what every reader gives, and how one is opened."""

from __future__ import annotations

import abc
from collections.abc import Collection

import tensorflow as tf

from easyrec_lite.config import Pipeline
from easyrec_lite.data.fields import Field, input_fields, select
from easyrec_lite.data.input_types import READERS, refusal
from easyrec_lite.errors import ConfigError, DataError

Position = tuple[int, int]


class Reader(abc.ABC):
    """Reads rows in an order that is a function of (seed, epoch, row), as batches of raw columns.

    Attributes:
      fields: the columns that it gives.
    """

    fields: tuple[Field, ...]

    @abc.abstractmethod
    def batches(
        self,
        batch_size: int,
        *,
        epochs: int | None = 1,
        start: Position = (0, 0),
        shuffle: bool = False,
        seed: int = 0,
        drop_remainder: bool = False,
    ) -> tf.data.Dataset:
        """Returns the rows of all epochs in batches of B = `batch_size`; only the last is smaller.

        Elements are (columns, position). `columns`: field name → tensor [B] of the field's dtype,
        or ragged [B, (L)] for a list column. `position`: int64 [2], the epoch of the batch's last
        row and how many rows of that epoch are consumed after it; given as `start`, it continues
        with exactly what would have come next.

        Args:
          batch_size: B.
          epochs: the number of epochs, counted from 0; None is without end.
          start: where to begin.
          shuffle: whether files and rows come in a new order each epoch.
          seed: what the order is made from.
          drop_remainder: whether to leave out a smaller last batch.
        """

    @abc.abstractmethod
    def explain(self, error: tf.errors.OpError, position: Position | None) -> DataError:
        """Returns what in the data made the last `batches()` fail, by file, line, field and value.

        Args:
          error: what was raised by the iteration.
          position: that of the last batch that came, or None when none did.
        """

    def bad_rows(self) -> int:
        """Returns how many rows of an epoch `bad_row_policy: SKIP` has left out so far."""
        return 0

    @abc.abstractmethod
    def describe(self) -> str:
        """Returns what is read and how it is shuffled, for the log."""


def open_reader(
    pipeline: Pipeline, path: str, *, training: bool, columns: Collection[str] | None = None
) -> Reader:
    """Returns the reader for `data_config.input_type`.

    Args:
      pipeline: the config.
      path: as `train_input_path`: files, globs and folders, separated by commas.
      training: whether it is to train: then data without any row is an error.
      columns: the columns to give; None gives all.

    Raises:
      ConfigError: the input type is not read, or `columns` names an unknown field.
      DataError: no such file, no rows to train on, or a file lacks a column.
    """
    data = pipeline.config.data_config
    enum = data.DESCRIPTOR.fields_by_name["input_type"].enum_type
    name = enum.values_by_number[data.input_type].name
    refused = refusal(name, pipeline.place("data_config.input_type"))
    if refused is not None:
        raise ConfigError(refused)
    fields = input_fields(pipeline)
    wanted = select(fields, columns)
    return READERS.get(name)(pipeline, path, fields, wanted, training)
