"""How the rows of a data set lie in the files of a cache.

An element of the data set is any nest of tensors [B] or [B, D] and of ragged tensors. Its columns
are stored in files of plain numbers, in three forms:

- Single numbers of one type share a file [rows, columns], so that a row of all of them is read at
  once: with a column a file, random rows would take several times as long.
- Vectors of D numbers have a file [rows, D].
- What differs in size from row to row, ragged tensors and texts, is a chain of files. Each holds
  the lengths of what the next one holds, and the last one holds the values; beside each lies a file
  that says at which byte each row ends. A ragged tensor [B, (L), (M)] is stored as

    0, 0-ends   the length M of each list, one row after another
    1, 1-ends   the values of all lists, one row after another

  So the rows of each file of a chain are byte strings between two ends, which Arrow gathers.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import tensorflow as tf

ENDS = "-ends"


class NotStorable(ValueError):
    """A data set has a column of a form that the cache cannot store."""


@dataclass(frozen=True)
class CacheColumn:
    """One tensor of an element.

    Attributes:
      name: its path in the nest, such as `features/user_id/ids`.
      dtype: of the tensor.
      stored: NumPy's name of the type on disk.
      width: D of [B, D]; None for [B].
      ragged: how many dimensions are ragged.
      files: the file that single numbers share, the file of vectors, or a chain of files.
      at: the column in the shared file.
    """

    name: str
    dtype: str
    stored: str
    width: int | None
    ragged: int
    files: tuple[str, ...]
    at: int

    @property
    def varies(self) -> bool:
        """Whether its size differs from row to row."""
        return self.ragged > 0 or self.dtype == "string"

    @property
    def shared(self) -> bool:
        """Whether it is a column of a file that single numbers share."""
        return not self.varies and self.width is None


class CacheLayout:
    """The columns of an element, in the order of `tf.nest.flatten`, and their files.

    Args:
      spec: the element's spec; None stands for a tensor that is absent.
      small: names of columns whose integers fit into 32 bits.

    Attributes:
      spec: the element's spec.
      columns: the tensors that are present.
      shared: the files of single numbers → how many columns each has.
      files: file → (NumPy type, shape of one entry).

    Raises:
      NotStorable: a tensor has none of the forms above.
    """

    def __init__(self, spec: Any, small: Collection[str] = ()):
        self.spec = spec
        self.columns: list[CacheColumn] = []
        self.shared: dict[str, int] = {}
        self.files: dict[str, tuple[str, tuple[int, ...]]] = {}
        for name, part in zip(_names(spec), tf.nest.flatten(spec), strict=True):
            if is_present(part):
                self.columns.append(self._column(name, part, name in small))
        self.files |= {file: (file, (count,)) for file, count in self.shared.items()}

    def _column(self, name: str, spec: Any, small: bool) -> CacheColumn:
        ragged = spec.ragged_rank if isinstance(spec, tf.RaggedTensorSpec) else 0
        inner = spec.shape[1 + ragged :] if spec.shape.rank else None
        dtype = spec.dtype.name
        text = dtype == "string"
        if inner is None or inner.rank > 1 or not inner.is_fully_defined() or (text and inner.rank):
            raise NotStorable(f"{name} has the shape {spec.shape}")
        width: Any = inner[0] if inner.rank else None
        stored = {"string": "uint8"}.get(dtype, "int32" if small and dtype == "int64" else dtype)
        if not ragged and not text and width is None:
            at = self.shared.get(stored, 0)
            self.shared[stored] = at + 1
            return CacheColumn(name, dtype, stored, width, 0, (stored,), at)
        number = f"{len(self.columns):03}"
        if not ragged and not text:
            self.files[number] = (stored, (width,))
            return CacheColumn(name, dtype, stored, width, 0, (number,), 0)
        files = tuple(f"{number}-{level}" for level in range(ragged + text))
        self.files |= dict.fromkeys(files[:-1], ("int64", ()))
        self.files[files[-1]] = (stored, () if width is None else (width,))
        self.files |= dict.fromkeys([file + ENDS for file in files], ("int64", ()))
        return CacheColumn(name, dtype, stored, width, ragged, files, 0)

    @property
    def chains(self) -> list[str]:
        """The files of all chains, without their ends."""
        return [file for column in self.columns if column.varies for file in column.files]

    def entry_bytes(self, file: str) -> int:
        """Returns the bytes of one entry of a file."""
        dtype, inner = self.files[file]
        return np.dtype(dtype).itemsize * math.prod(inner)

    def describe(self) -> list[dict[str, Any]]:
        """Returns the columns as plain data."""
        return [{**asdict(column), "files": list(column.files)} for column in self.columns]


def is_present(spec: Any) -> bool:
    """Returns whether a part of a flattened spec is a tensor's, not that of an absent one."""
    return isinstance(spec, tf.TensorSpec | tf.RaggedTensorSpec)


def _names(spec: Any, path: str = "") -> Iterator[str]:
    """Yields the names of the tensors in the order of `tf.nest.flatten`."""
    if isinstance(spec, Mapping):
        parts = [(name, spec[name]) for name in sorted(spec)]
    elif isinstance(spec, tuple):
        names = getattr(spec, "_fields", range(len(spec)))
        parts = list(zip(map(str, names), spec, strict=True))
    else:
        yield path
        return
    for name, part in parts:
        yield from _names(part, f"{path}/{name}" if path else name)
