"""The order of the rows of Parquet files, a function of (seed, epoch): row groups in windows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from easyrec_lite.core.errors import Place
from easyrec_lite.data.readers.parquet.table import open_parquet
from easyrec_lite.data.rows.order import RowOrder, ShuffleKeys


class RowGroup(NamedTuple):
    """A row group: its file, its number in it, how many rows it has, and how many come before."""

    file: str
    number: int
    rows: int
    before: int


class Window(NamedTuple):
    """The row groups whose rows are permuted together; `first` is their first row in the epoch."""

    epoch: int
    number: int
    first: int
    groups: list[RowGroup]

    @property
    def rows(self) -> int:
        """How many rows they have."""
        return sum(group.rows for group in self.groups)

    def permutation(self, order: RowOrder) -> np.ndarray:
        """Returns the order of the rows, int64 [rows]; a large window is permuted in parts."""
        if not order.window:
            return np.arange(self.rows)
        random = np.random.Generator(np.random.PCG64([order.seed, self.epoch, self.number]))
        together = order.window if self.rows >= 2 * order.window else self.rows
        keys = ShuffleKeys(self.rows, together)
        return keys.order(random.integers(keys.random, size=self.rows))

    def locate(self, index: int) -> tuple[int, int]:
        """Returns the position of the group of row `index`, and the row's number in the group."""
        ends = np.cumsum([group.rows for group in self.groups])
        position = int(np.searchsorted(ends, index, side="right"))
        return position, int(index - ends[position] + self.groups[position].rows)

    def place(self, index: int) -> Place:
        """Returns the file of row `index`, and the row's number in it, from 1."""
        position, row = self.locate(index)
        group = self.groups[position]
        return Place(group.file, group.before + row + 1)


def row_groups(file: str) -> Iterator[RowGroup]:
    """Yields the row groups of a file that are not empty."""
    metadata = open_parquet(file).metadata
    before = 0
    for number in range(metadata.num_row_groups):
        rows = metadata.row_group(number).num_rows
        if rows:
            yield RowGroup(file, number, rows, before)
        before += rows


def windows(groups: Sequence[RowGroup], order: RowOrder) -> Iterator[Window]:
    """Yields the windows of all epochs from `order.start` on."""
    first_epoch, consumed = order.start
    epochs = itertools.count(first_epoch)
    for epoch in epochs if order.epochs is None else range(first_epoch, order.epochs):
        for window in _epoch_windows(groups, order, epoch):
            if epoch > first_epoch or window.first + window.rows > consumed:
                yield window


def _epoch_windows(groups: Sequence[RowGroup], order: RowOrder, epoch: int) -> Iterator[Window]:
    if order.window:
        random = np.random.Generator(np.random.PCG64([order.seed, epoch]))
        groups = [groups[index] for index in random.permutation(len(groups))]
    number, first, taken = 0, 0, 0
    pending: list[RowGroup] = []
    for group in groups:
        pending.append(group)
        taken += group.rows
        if taken >= order.window:
            yield Window(epoch, number, first, pending)
            number, first, taken, pending = number + 1, first + taken, 0, []
    if pending:
        yield Window(epoch, number, first, pending)
