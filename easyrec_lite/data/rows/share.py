"""Which part of the data each of several workers reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from easyrec_lite.core.errors import DataError, Problem


class RowNumbers(NamedTuple):
    """The positions of the n rows of a batch.

    Attributes:
      epoch: int64 [n].
      row: int64 [n], each row's number among the records of its epoch.
      position: int64 [2], the epoch and how many of its records are consumed, after this batch and
        what other workers read of the same global batch.
      real: bool scalar; False where the global batch has no row for this worker, so that another
        worker's row stands in.
    """

    epoch: Any
    row: Any
    position: Any
    real: Any


@dataclass(frozen=True)
class Share:
    """A worker's part of the data: some rows of each global batch, or some whole files.

    By rows, all W workers follow one order, which is cut into global batches of W · B rows. Of a
    global batch of n rows, worker w has rows n·w//W up to n·(w+1)//W. So they read together what
    one process reads in batches of W · B rows, and their positions are its positions.

    By file, worker w has every W-th file, beginning with file w, in an order of its own.

    Example:
      >>> Share(index=1, count=2).span(5), Share(1, 2, by_file=True).files(["a", "b", "c"])
      ((2, 5, True), ['b'])

    Attributes:
      index: w, from 0; by rows it may be an int64 scalar, where the worker is known only when it
        reads.
      count: W.
      by_file: whether the files are shared rather than the rows.

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
        """Whether it consists of some rows of each global batch."""
        return self.count > 1 and not self.by_file

    def files(self, files: Sequence[str]) -> list[str]:
        """Returns the files that this worker reads.

        Raises:
          DataError: files are shared, and there are fewer files than workers.
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
        """Returns (first, last, real): the share is rows `first` up to `last` of a global batch.

        It is never empty: where the worker has no row, it has one of another worker, and `real` is
        False.

        Args:
          count: n ≥ 1, the rows of the global batch; a tensor gives tensors.
        """
        if not self.by_row:
            return 0, count, True
        first, last = count * self.index // self.count, count * (self.index + 1) // self.count
        most = tf.maximum if tf.is_tensor(first) else max
        return first, most(last, first + 1), last > first

    def cut(self, epoch: tf.Tensor, row: tf.Tensor, *parts: tf.Tensor) -> tuple[Any, ...]:
        """Returns the `RowNumbers` of the share, then the share of each of `parts`.

        Args:
          epoch: int64 [n], of the rows of a global batch.
          row: int64 [n], their numbers.
          parts: [n, …], what else there is of them.
        """
        position = tf.stack([epoch[-1], row[-1] + 1])
        if not self.by_row:
            return RowNumbers(epoch, row, position, tf.constant(True)), *parts
        first, last, real = self.span(epoch.shape[0] or tf.size(epoch, tf.int64))
        epoch, row, *own = (part[first:last] for part in (epoch, row, *parts))
        return RowNumbers(epoch, row, position, tf.convert_to_tensor(real)), *own

    def describe(self) -> str:
        """Returns how the files are shared, for a log after their number; "" when they are not."""
        if self.count == 1:
            return ""
        if self.by_file:
            return f" for worker {self.index} of {self.count}"
        return f", rows shared by {self.count} workers"

    def draw(self, position: tf.Tensor) -> tf.Tensor:
        """Returns what the random draws for a batch follow from, different for each worker.

        Args:
          position: int64 [2], ≥ 0, the same for all workers.

        Returns:
          int64 [2], different for each position and worker; `position` for a single worker.
        """
        return position if self.count == 1 else position * [1, self.count] + [0, self.index]


WHOLE = Share()


def _too_few(files: int, workers: int) -> Problem:
    return Problem(
        message=f"{workers} workers cannot share {files} data file{'' if files == 1 else 's'}",
        path="data_config.file_shard",
        expected=f"at least {workers} files in train_input_path",
        found=str(files),
        remedy="split the files, start fewer workers, or leave out data_config.file_shard: then "
        "the workers share the rows",
    )
