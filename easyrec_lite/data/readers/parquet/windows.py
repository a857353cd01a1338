"""The order of a Parquet data set: row groups gathered in windows, a function of (seed, epoch)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from easyrec_lite.core.errors import Place
from easyrec_lite.data.readers.parquet.table import open_parquet
from easyrec_lite.data.rows.order import Keys, RowOrder


class RowGroup(NamedTuple):
    """A row group of a file: its number, its rows, and the rows of the file before it."""

    file: str
    number: int
    rows: int
    before: int


class Window(NamedTuple):
    """Rows that are permuted together: those of whole row groups, the epoch's `first` row on."""

    epoch: int
    number: int
    first: int
    groups: list[RowGroup]

    @property
    def rows(self) -> int:
        """How many they are."""
        return sum(group.rows for group in self.groups)

    def permutation(self, order: RowOrder) -> np.ndarray:
        """Returns the order of the rows, int64 [rows]; a large window is permuted in parts."""
        if not order.window:
            return np.arange(self.rows)
        random = np.random.Generator(np.random.PCG64([order.seed, self.epoch, self.number]))
        together = order.window if self.rows >= 2 * order.window else self.rows
        keys = Keys(self.rows, together)
        return keys.order(random.integers(keys.random, size=self.rows))

    def locate(self, index: int) -> tuple[int, int]:
        """Returns where row `index` stands: the position of its group, and its row in there."""
        ends = np.cumsum([group.rows for group in self.groups])
        position = int(np.searchsorted(ends, index, side="right"))
        return position, int(index - ends[position] + self.groups[position].rows)

    def place(self, index: int) -> Place:
        """Returns the file, and the row in it counted from 1, of row `index`."""
        position, row = self.locate(index)
        group = self.groups[position]
        return Place(group.file, group.before + row + 1)


def row_groups(file: str) -> Iterator[RowGroup]:
    """Yields the row groups of a file that hold rows."""
    metadata = open_parquet(file).metadata
    before = 0
    for number in range(metadata.num_row_groups):
        rows = metadata.row_group(number).num_rows
        if rows:
            yield RowGroup(file, number, rows, before)
        before += rows


def windows(groups: Sequence[RowGroup], order: RowOrder) -> Iterator[Window]:
    """Yields the windows of all epochs, without those that `order.start` has consumed."""
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
