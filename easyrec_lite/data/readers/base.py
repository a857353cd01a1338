"""From data files to raw columns: what every reader does, and how one is opened."""

from __future__ import annotations

import abc
import dataclasses
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from easyrec_lite.checks.columns import InputField, input_fields, select
from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.reader import READERS
from easyrec_lite.config import Pipeline
from easyrec_lite.config.expressions import TOO_LARGE
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.core.files import missing
from easyrec_lite.data.readers.bad_rows import BadRows
from easyrec_lite.data.readers.input_files import changed, expand, stamp
from easyrec_lite.data.rows.batches import is_real, placed, positioned
from easyrec_lite.data.rows.cells import CellCheck, nothing
from easyrec_lite.data.rows.order import SHUFFLE_WINDOW, RecordRun, RowOrder
from easyrec_lite.data.rows.share import WHOLE, Share
from easyrec_lite.protos.messages import DatasetConfig

Position = tuple[int, int]

# What iterating over `Reader.batches` raises when the data is bad. TensorFlow quotes the bad bytes
# in its messages, and Python cannot decode those that are not UTF-8.
READ_ERRORS = (
    tf.errors.InvalidArgumentError,
    tf.errors.DataLossError,
    tf.errors.NotFoundError,
    tf.errors.FailedPreconditionError,
    tf.errors.PermissionDeniedError,
    tf.errors.UnknownError,
    UnicodeDecodeError,
)


@dataclass(frozen=True)
class ReaderRequest:
    """What to read.

    Attributes:
      pipeline: the config.
      path: as `train_input_path`.
      fields: every field of the config, in order.
      wanted: the fields to read.
      training: whether the rows are for training.
      share: the part of the rows to read.
      cells: what the rows must hold besides values of their fields' types.
    """

    pipeline: Pipeline
    path: str
    fields: tuple[InputField, ...]
    wanted: tuple[InputField, ...]
    training: bool
    share: Share = WHOLE
    cells: CellCheck = nothing

    @property
    def data(self) -> DatasetConfig:
        """The `data_config` message."""
        return self.pipeline.config.data_config

    @property
    def window(self) -> int:
        """How many rows are shuffled together: `shuffle_buffer_size` if it is set, else many."""
        given = self.data.HasField("shuffle_buffer_size")
        return max(self.data.shuffle_buffer_size, 1) if given else SHUFFLE_WINDOW


class Reader(abc.ABC):
    """Reads rows as batches of raw columns, in an order that is a function of (seed, epoch, row).

    Attributes:
      fields: the columns that it reads.
      files: the files.
      share: the part of their rows that it reads.
    """

    def __init__(self, request: ReaderRequest):
        data = request.data
        self.fields = request.wanted
        self.share = request.share
        self.files = self.share.files(self._find(request.path))
        self._stamps = {file: stamp(file) for file in self.files}
        self._cells = request.cells
        self._window = request.window
        self._skip_bad = data.bad_row_policy == data.SKIP
        self._most_bad = data.max_bad_rows
        self._bad = BadRows(self._most_bad)
        self._order = RowOrder()

    @classmethod
    def held(cls, pipeline: Pipeline, path: str) -> Collection[str]:
        """Returns the names of the columns that all files of `path` have.

        Raises:
          DataError: a file is missing or cannot be read.
        """
        return [field.name for field in input_fields(pipeline)]

    def _find(self, path: str) -> list[str]:
        return expand(path)

    def batches(
        self,
        batch_size: int,
        *,
        epochs: int | None = 1,
        start: Position | tf.Tensor = (0, 0),
        shuffle: bool = False,
        seed: int = 0,
        drop_remainder: bool = False,
    ) -> tf.data.Dataset:
        """Returns the rows of all epochs in batches of B = `batch_size`; only the last is smaller.

        Elements are (columns, position). `columns`: field name → tensor [B] of the field's dtype,
        or ragged [B, (L)] for a list column. `position`: int64 [2], the epoch of the batch's last
        row, and how many rows of that epoch are consumed after it. A reader with this `start`
        continues with exactly what would have come next.

        A share by rows has its own rows of each global batch: B, or fewer in the last one. The
        position is after the global batch.

        Args:
          batch_size: B.
          epochs: the number of epochs, counted from 0; None for endless.
          start: where to begin; a tensor or variable, int64 [2], is read now.
          shuffle: whether files and rows come in a new order in each epoch.
          seed: what the order follows from, ≥ 0.
          drop_remainder: whether to leave out a smaller last batch (by rows: global batch).
        """
        order = self.begin(epochs=epochs, start=start, shuffle=shuffle, seed=seed)
        batches = self.numbered(order, batch_size, drop_remainder).map(placed)
        if self.share.by_row:
            batches = batches.filter(is_real)
        return batches.map(positioned)

    def begin(
        self,
        *,
        epochs: int | None = 1,
        start: Position | tf.Tensor = (0, 0),
        shuffle: bool = False,
        seed: int = 0,
    ) -> RowOrder:
        """Returns the order that `batches` reads, and resets the count of bad rows."""
        order = RowOrder(seed, self._window if shuffle else 0, epochs, start)
        known = isinstance(start, tuple)
        self._order = order if known else dataclasses.replace(order, start=(0, 0))
        self._bad = BadRows(self._most_bad)
        return order

    @abc.abstractmethod
    def numbered(self, order: RowOrder, batch_size: int, drop_remainder: bool) -> tf.data.Dataset:
        """Returns the batches of an order that `begin` returned: (columns, `RowNumbers`).

        A share by rows has a batch for each global batch, as `Share.span` says. The numbers count
        all records, also bad rows and records that are no rows.
        """

    @abc.abstractmethod
    def sizes(self) -> tuple[np.ndarray, int]:
        """Returns the number of records of each part (file or row group), int64, and of all rows.

        A bad row is a row, a blank line is none. May read all files.

        Raises:
          tf.errors.OpError, OSError: a file cannot be read.
        """

    @abc.abstractmethod
    def records(self, order: RowOrder, sizes: np.ndarray) -> Iterator[RecordRun]:
        """Yields the numbers of the records of an order, without reading them.

        Args:
          order: what `begin` returned.
          sizes: int64, the number of records of each part.
        """

    def check_files(self) -> None:  # noqa: B027 - most formats are checked as they are read
        """Checks now what `numbered` would otherwise check by Python code while reading.

        Raises:
          DataError: a file is broken.
        """

    @property
    def left_out(self) -> BadRows:
        """The bad rows that were left out since `begin`."""
        return self._bad

    def explain(self, error: Exception, position: Position | None) -> DataError:
        """Returns why the last `batches()` failed: file, line, field and value of the bad rows.

        Args:
          error: what iterating raised, one of `READ_ERRORS`.
          position: that of the last batch that came, or None when none came.
        """
        if TOO_LARGE in str(error):
            return DataError(Problem(_asserted(str(error))))
        gone = [missing(file) for file in self.files if not fs.is_file(file)]
        if gone or (gone := self._changed()):
            return DataError(gone)
        start = self._order.start if position is None else (int(position[0]), int(position[1]))
        # What failed is at most an epoch further: a batch, and those that are read ahead.
        epochs = start[0] + 2 if self._order.epochs is None else self._order.epochs
        epochs = min(epochs, start[0] + 2)
        problems = self._first_bad(dataclasses.replace(self._order, start=start, epochs=epochs))
        problems += [self._bad.too_many()] if self._bad.exceeded else []
        return DataError(problems or Problem(f"no row is bad, yet reading failed: {error}"))

    def locate(self, position: Position, number: int) -> Place:
        """Returns the file and line of the row that comes `number` rows after a position.

        Args:
          position: of the last `batches()`.
          number: from 0.
        """
        order = dataclasses.replace(self._order, start=position)
        for _, numbers in self.numbered(order, number + 1, False).take(1):
            epoch, row = numbers.epoch, numbers.row
            return self._place_of(order, int(epoch[-1]), int(row[-1]))
        return Place()

    @abc.abstractmethod
    def _place_of(self, order: RowOrder, epoch: int, row: int) -> Place:
        """Returns the file and line of row `row` of an epoch."""

    def _changed(self) -> list[Problem]:
        """Returns a problem for each file that has changed since it was opened."""
        return [changed(file) for file, before in self._stamps.items() if stamp(file) != before]

    @abc.abstractmethod
    def _first_bad(self, order: RowOrder) -> list[Problem]:
        """Returns the problems of the first bad row of an order, or of the files."""

    def bad_rows(self) -> int:
        """Returns how many rows of an epoch the last `batches()` has left out so far."""
        return len(self._bad)

    def describe(self) -> str:
        """Returns what is read and how it is shuffled, for the log."""
        shuffled = (
            f"up to {self._window:,} rows are shuffled together"
            if self._order.window
            else "in order"
        )
        count = len(self.files)
        return f"{count} file{'' if count == 1 else 's'}{self.share.describe()}, {shuffled}"


def held_fields(pipeline: Pipeline, path: str) -> tuple[InputField, ...]:
    """Returns the input fields whose columns all files of `path` have.

    Raises:
      ConfigError: the input type is not offered.
      DataError: a file is missing or cannot be read.
    """
    reader: type[Reader] = READERS.get(enum_name(pipeline.config.data_config, "input_type"))
    held = set(reader.held(pipeline, path))
    return tuple(field for field in input_fields(pipeline) if field.name in held)


def open_reader(
    pipeline: Pipeline,
    path: str,
    *,
    training: bool,
    columns: Collection[str] | None = None,
    share: Share = WHOLE,
    cells: CellCheck = nothing,
    supervised: bool = True,
) -> Reader:
    """Returns the reader for `data_config.input_type`.

    Args:
      pipeline: the config.
      path: as `train_input_path`: files, globs and folders, separated by commas.
      training: whether the rows are for training: then data without any row is an error.
      columns: the columns to read; None for all.
      share: the part of the rows to read.
      cells: what the rows must hold besides values of their fields' types. A row that does not is a
        bad row: `bad_row_policy: SKIP` leaves it out, `Reader.explain` names it. Without SKIP the
        caller makes reading fail at such a row.
      supervised: whether the rows have labels and weights. Otherwise an empty cell of one has the
        default of its type.

    Raises:
      ConfigError: the input type is not offered, or `columns` names an unknown field.
      DataError: no such file, no rows to train on, a file lacks a column, or there are fewer files
        than workers where those share files.
    """
    data = pipeline.config.data_config
    make = READERS.get(enum_name(data, "input_type"))
    fields = input_fields(pipeline)
    if not supervised:
        fields = tuple(dataclasses.replace(field, required=False) for field in fields)
    wanted = select(fields, columns)
    reader: Reader = make(ReaderRequest(pipeline, path, fields, wanted, training, share, cells))
    return reader


def _asserted(message: str) -> str:
    """Returns the text of an assertion that TensorFlow's message quotes."""
    text = message.partition("assertion failed: [")[2].partition("[[{{")[0]
    # Some versions of TensorFlow escape quotes and line breaks, once or twice.
    text = re.sub(r"\\+n", "\n", re.sub(r"\\+(['\"])", r"\1", text))
    return text.strip(' ]"\n\t')
