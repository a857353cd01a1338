"""Which part of the data one of several workers reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from easyrec_lite.core.errors import DataError, Problem


class RowNumbers(NamedTuple):
    """Where the n rows of a batch stand.

    Attributes:
      epoch: int64 [n].
      row: int64 [n], each row's number among the records of its epoch.
      position: int64 [2], the epoch and how many records of it are consumed: after this batch, and
        after what other workers read of the same global batch.
      real: bool scalar; False where the global batch has no row for this worker, and another
        worker's row stands in.
    """

    epoch: Any
    row: Any
    position: Any
    real: Any


@dataclass(frozen=True)
class Share:
    """A worker's part of the data: of each global batch some rows, or some files whole.

    By rows, all W workers follow one order: it is cut in global batches of W · B rows, and of each,
    of n rows, worker w has rows n·w//W up to n·(w+1)//W. So they read what one process reads in
    batches of W · B rows, and their positions are its positions.

    By file, worker w has every W-th file from the w-th on, in an order of its own.

    Attributes:
      index: w, from 0; int64 scalar where the worker is known only when it reads, by rows alone.
      count: W.
      by_file: whether by file.

    Raises:
      ValueError: there is no such worker.
    """

    index: Any = 0
    count: int = 1
    by_file: bool = False

    def __post_init__(self) -> None:
        if not tf.is_tensor(self.index) and not 0 <= self.index < self.count:
            raise ValueError(f"no worker {self.index} among {self.count}")

    @property
    def by_row(self) -> bool:
        """Whether it is some rows of each global batch."""
        return self.count > 1 and not self.by_file

    def files(self, files: Sequence[str]) -> list[str]:
        """Returns the files of which rows are read.

        Raises:
          DataError: by file, and there are fewer files than workers.
        """
        if not self.by_file or not files:
            return list(files)
        if len(files) < self.count:
            raise DataError(_too_few(len(files), self.count))
        return list(files[self.index :: self.count])

    def together(self, batch_size: int) -> int:
        """Returns the rows of a global batch of which this worker has `batch_size`."""
        return batch_size * self.count if self.by_row else batch_size

    def span(self, count: int) -> tuple[int, int, bool]:
        """Returns (first, last, real): the share, `first` up to `last`, of a global batch.

        It is never empty: where the worker has no row, it is one of another worker's, and `real`
        is False.

        Args:
          count: n ≥ 1, the rows of the global batch; a tensor gives tensors.
        """
        if not self.by_row:
            return 0, count, True
        first, last = count * self.index // self.count, count * (self.index + 1) // self.count
        most = tf.maximum if tf.is_tensor(first) else max
        return first, most(last, first + 1), last > first

    def cut(self, epoch: tf.Tensor, row: tf.Tensor, *parts: tf.Tensor) -> tuple[Any, ...]:
        """Returns the `RowNumbers` of the share, then its part of each of `parts`.

        Args:
          epoch: int64 [n], of the rows of a global batch.
          row: int64 [n].
          parts: [n, …].
        """
        position = tf.stack([epoch[-1], row[-1] + 1])
        if not self.by_row:
            return RowNumbers(epoch, row, position, tf.constant(True)), *parts
        first, last, real = self.span(epoch.shape[0] or tf.size(epoch, tf.int64))
        epoch, row, *own = (part[first:last] for part in (epoch, row, *parts))
        return RowNumbers(epoch, row, position, tf.convert_to_tensor(real)), *own

    def describe(self) -> str:
        """Returns how the files are shared, to be said after their number; '' when they are not."""
        if self.count == 1:
            return ""
        if self.by_file:
            return f" for worker {self.index} of {self.count}"
        return f", rows shared by {self.count} workers"

    def draw(self, position: tf.Tensor) -> tf.Tensor:
        """Returns what random draws for a batch depend on: `position`, and which worker it is.

        Args:
          position: int64 [2], not below 0, the same for all workers.

        Returns:
          int64 [2], different for each position and worker; `position` for a single worker.
        """
        return position if self.count == 1 else position * [1, self.count] + [0, self.index]


WHOLE = Share()

# From what `placed` gives of a batch to what is made of it.
Finish = Callable[[Any, tf.Tensor, tf.Tensor], Any]


@tf.autograph.experimental.do_not_convert
def placed(rows: Any, numbers: RowNumbers) -> tuple[Any, tf.Tensor, tf.Tensor]:
    """Returns the rows of a batch, their position and whether they are real."""
    return rows, numbers.position, numbers.real


def finished(batches: tf.data.Dataset, finish: Finish) -> tf.data.Dataset:
    """Returns `finish` of each of `batches`, (rows, `RowNumbers`)."""

    @tf.autograph.experimental.do_not_convert
    def finish_one(rows: Any, numbers: RowNumbers) -> Any:
        return finish(*placed(rows, numbers))

    return batches.map(finish_one, tf.data.AUTOTUNE, deterministic=True)


@tf.autograph.experimental.do_not_convert
def is_real(*element: Any) -> tf.Tensor:
    """Returns whether an element that ends with `real`, as of `placed`, is this worker's own."""
    return element[-1]


@tf.autograph.experimental.do_not_convert
def positioned(rows: Any, position: tf.Tensor, real: tf.Tensor) -> tuple[Any, tf.Tensor]:
    """Returns what `placed` gave without whether it is real."""
    return rows, position


def endless(batches: tf.data.Dataset, spare: Any, start: tuple[int, int] | tf.Tensor) -> Any:
    """Returns a data set of (batch, real) that goes on for ever with a batch that is not real.

    That has the position of the last one.

    Args:
      batches: (batch, real), where a batch is a named tuple with a `position`.
      spare: a batch.
      start: the position before all of them.
    """
    unknown = tf.constant([-1, -1], tf.int64)
    pads = tf.data.Dataset.from_tensors((spare._replace(position=unknown), False)).repeat()

    @tf.autograph.experimental.do_not_convert
    def keep(last: tf.Tensor, element: tuple[Any, tf.Tensor]) -> tuple[tf.Tensor, Any]:
        batch, real = element
        position = tf.where(batch.position < 0, last, batch.position)
        return position, (batch._replace(position=position), real)

    return batches.concatenate(pads).scan(tf.convert_to_tensor(start, tf.int64), keep)


def _too_few(files: int, workers: int) -> Problem:
    return Problem(
        message=f"{workers} workers cannot share {files} data file{'' if files == 1 else 's'}",
        path="data_config.file_shard",
        expected=f"at least {workers} files in train_input_path",
        found=str(files),
        remedy="split the files, start fewer workers, or leave out data_config.file_shard: then "
        "the workers share the rows",
    )
