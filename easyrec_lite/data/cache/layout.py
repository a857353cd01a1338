"""How the rows of a data set lie in the files of a cache, and their way there and back.

An element of the data set is any nest of tensors [B] or [B, D] and ragged tensors. Single numbers
of one type are the columns of one file. Everything else whose size differs from row to row, texts
too, is a chain of flat files, each with another one that says where in it a row ends.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

ENDS = "-ends"
ALIGNED = 64
Arrays = dict[str, np.ndarray]


class NotStorable(ValueError):
    """A data set has a column of a form that the cache has no place for."""


@dataclass(frozen=True)
class Leaf:
    """One tensor of an element.

    Attributes:
      name: what it is, for people.
      dtype: of the tensor.
      stored: NumPy's name of the type on disk.
      width: D of [B, D]; None for [B].
      ragged: how many dimensions are ragged.
      files: where it lies: one file that single numbers share, or a chain of flat ones.
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
    def flat(self) -> bool:
        """Whether its size differs from row to row."""
        return self.ragged > 0 or self.dtype == "string"

    @property
    def shared(self) -> bool:
        """Whether it is a column of a file that single numbers share."""
        return not self.flat and self.width is None


class Layout:
    """The leaves of an element, in the order of `tf.nest.flatten`.

    Args:
      spec: the element's spec; None stands for what is not there.
      small: names of leaves whose whole numbers fit into 32 bits.

    Attributes:
      leaves: the tensors.
      files: file → (NumPy type, shape of one entry).

    Raises:
      NotStorable: a leaf is neither of the above.
    """

    def __init__(self, spec: Any, small: Collection[str] = ()):
        self._spec = spec
        self.leaves: list[Leaf] = []
        self.files: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._columns: dict[str, int] = {}
        for name, leaf in zip(_names(spec), tf.nest.flatten(spec), strict=True):
            if _is_there(leaf):
                self.leaves.append(self._leaf(name, leaf, name in small))
        self.files |= {file: (file, (count,)) for file, count in self._columns.items()}

    def _leaf(self, name: str, spec: Any, small: bool) -> Leaf:
        ragged = spec.ragged_rank if isinstance(spec, tf.RaggedTensorSpec) else 0
        inner = spec.shape[1 + ragged :] if spec.shape.rank else None
        if inner is None or inner.rank > 1 or not inner.is_fully_defined():
            raise NotStorable(f"{name} has the shape {spec.shape}")
        dtype = spec.dtype.name
        width: Any = inner[0] if inner.rank else None
        stored = {"string": "uint8"}.get(dtype, "int32" if small and dtype == "int64" else dtype)
        text = dtype == "string"
        if not ragged and not text and width is None:
            return Leaf(name, dtype, stored, width, 0, (stored,), self._column(stored))
        if text and width is not None:
            raise NotStorable(f"{name} has the shape {spec.shape}")
        number = f"{len(self.leaves):03}"
        if not ragged and not text:
            self.files[number] = (stored, (width,))
            return Leaf(name, dtype, stored, width, 0, (number,), 0)
        levels = ragged + text
        files = tuple(f"{number}-{level}" for level in range(levels))
        self.files |= dict.fromkeys(files[:-1], ("int64", ()))
        self.files[files[-1]] = (stored, () if width is None else (width,))
        self.files |= dict.fromkeys([file + ENDS for file in files], ("int64", ()))
        return Leaf(name, dtype, stored, width, ragged, files, 0)

    def _column(self, file: str) -> int:
        self._columns[file] = self._columns.get(file, 0) + 1
        return self._columns[file] - 1

    def describe(self) -> list[dict[str, Any]]:
        """Returns the leaves as plain data."""
        return [{**asdict(leaf), "files": list(leaf.files)} for leaf in self.leaves]

    # To the disk.

    def flatten(self, element: Any) -> list[tf.Tensor]:
        """Returns the tensors that `arrays` takes: for each leaf its lengths, then its values."""
        found: list[tf.Tensor] = []
        there = [tensor for tensor in tf.nest.flatten(element) if tensor is not None]
        for leaf, tensor in zip(self.leaves, there, strict=True):
            if leaf.ragged:
                found += [splits[1:] - splits[:-1] for splits in tensor.nested_row_splits]
                tensor = tensor.flat_values
            if leaf.dtype == "string":
                found.append(tf.strings.length(tensor))
                tensor = tf.strings.reduce_join(tensor)
            found.append(tensor)
        return found

    def arrays(self, flat: Sequence[np.ndarray], rows: slice) -> Arrays:
        """Returns what the files get from some rows of a batch.

        Of a flat file's `ENDS`, int64 [rows], these are the bytes where each row ends, counted
        from the first of these rows.

        Args:
          flat: what `flatten` gave, as arrays.
          rows: which of them.
        """
        left = iter(flat)
        shared: dict[str, list[np.ndarray]] = {file: [] for file in self._columns}
        found: Arrays = {}
        for leaf in self.leaves:
            if leaf.shared:
                shared[leaf.stored].append(_narrowed(next(left)[rows], leaf.stored))
            elif not leaf.flat:
                found[leaf.files[0]] = next(left)[rows]
            else:
                for file, values, ends in self._chain(leaf, left, rows):
                    found[file] = _narrowed(values, self.files[file][0])
                    found[file + ENDS] = ends * self._entry_bytes(file)
        return found | {file: np.stack(each, axis=1) for file, each in shared.items()}

    def _chain(
        self, leaf: Leaf, flat: Iterator[np.ndarray], rows: slice
    ) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Yields (file, its values, where each row ends) along a leaf's chain of files."""
        lengths = [next(flat).astype(np.int64) for _ in leaf.files]
        values: Any = next(flat)
        if leaf.dtype == "string":
            values = np.frombuffer(values, np.uint8)
        bounds = np.arange(len(lengths[0]) + 1)[rows.start : rows.stop + 1]
        for level, file in enumerate(leaf.files):
            bounds = np.append(0, np.cumsum(lengths[level]))[bounds]
            inside = lengths[level + 1] if level + 1 < len(lengths) else values
            yield file, inside[bounds[0] : bounds[-1]], bounds[1:] - bounds[0]

    # From the disk.

    def _entry_bytes(self, file: str) -> int:
        dtype, inner = self.files[file]
        return np.dtype(dtype).itemsize * math.prod(inner)

    def chains(self, files: Mapping[str, np.ndarray]) -> dict[str, pa.Array]:
        """Returns the flat files as arrays of each row's bytes, without a copy."""
        found = {}
        for file in (file for leaf in self.leaves if leaf.flat for file in leaf.files):
            ends = files[file + ENDS]
            buffers = [None, pa.py_buffer(ends), pa.py_buffer(files[file])]
            found[file] = pa.Array.from_buffers(pa.large_binary(), len(ends) - 1, buffers)
        return found

    def block(
        self, files: Mapping[str, np.ndarray], chains: Mapping[str, pa.Array], rows: np.ndarray
    ) -> list[np.ndarray]:
        """Returns the rows `rows`, int64 [n], as arrays that fit `signature`.

        Args:
          files: the files.
          chains: what `chains` gave of them.
          rows: which.
        """
        found = [_taken(files[file], rows) for file in self._columns]
        places = pa.array(rows)
        for leaf in self.leaves:
            if leaf.shared:
                continue
            if not leaf.flat:
                found.append(_taken(files[leaf.files[0]], rows))
                continue
            found += self._gather(leaf, chains, places)
        return found

    def _gather(
        self, leaf: Leaf, chains: Mapping[str, pa.Array], places: pa.Array
    ) -> Iterator[np.ndarray]:
        """Yields the splits of each ragged dimension, then the values, of the rows `places`."""
        splits = values = np.zeros(0, np.int64)
        for level, file in enumerate(leaf.files):
            ends, content = _bytes(chains[file].take(places))
            # What the file before holds are the lengths of what this one does.
            if level:
                splits = np.append(0, np.cumsum(values))
            else:
                splits = _aligned(ends.shape, np.int64)
                np.floor_divide(ends, self._entry_bytes(file), out=splits)
            if level < leaf.ragged:
                yield splits
            dtype, inner = self.files[file]
            values = content.view(dtype).reshape(-1, *inner)
        yield _texts(values, splits) if leaf.dtype == "string" else values

    @property
    def signature(self) -> tuple[tf.TensorSpec, ...]:
        """The specs of `block`: shared files [n, columns], then splits and values of each leaf."""
        found = [tf.TensorSpec([None, count], file) for file, count in self._columns.items()]
        for leaf in self.leaves:
            if not leaf.shared:
                found += [tf.TensorSpec([None], tf.int64)] * leaf.ragged
                dtype = tf.string if leaf.dtype == "string" else leaf.stored
                shape = [None] if leaf.width is None else [None, leaf.width]
                found.append(tf.TensorSpec(shape, dtype))
        return tuple(found)

    def element(self, block: Sequence[tf.Tensor], first: tf.Tensor, last: tf.Tensor) -> Any:
        """Returns rows `first` to `last` (left out) of a block as an element."""
        left = iter(block)
        span = tf.reshape(first, [1]), tf.reshape(last, [1])
        shared = {file: tf.transpose(_cut(next(left), *span)) for file in self._columns}
        # One op for all columns of a type costs less than one for each of them.
        kinds = {(leaf.stored, leaf.dtype) for leaf in self.leaves if leaf.shared}
        columns = {kind: tf.unstack(tf.cast(shared[kind[0]], kind[1])) for kind in sorted(kinds)}
        found: list[Any] = []
        for leaf in self.leaves:
            if leaf.shared:
                found.append(columns[leaf.stored, leaf.dtype][leaf.at])
            else:
                found.append(_rows(leaf, left, *span))
        made = iter(found)
        whole = [next(made) if _is_there(spec) else None for spec in tf.nest.flatten(self._spec)]
        return tf.nest.pack_sequence_as(self._spec, whole)


def _is_there(spec: Any) -> bool:
    return isinstance(spec, tf.TensorSpec | tf.RaggedTensorSpec)


def _names(spec: Any, path: str = "") -> Iterator[str]:
    """Yields the leaves' names as `tf.nest.flatten` orders them: `features/user_id/ids`."""
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


def _cut(values: tf.Tensor, first: tf.Tensor, last: tf.Tensor) -> tf.Tensor:
    # Brackets make an operation for each bound, which here take as long as the cut itself.
    return tf.strided_slice(values, first, last, [1])


def _narrowed(values: np.ndarray, stored: str) -> np.ndarray:
    found = values.astype(stored, copy=False)
    if found.dtype != values.dtype and not np.array_equal(found, values):
        raise NotStorable(f"a value of type {values.dtype} does not fit into {stored}")
    return found


def _taken(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    found = _aligned((len(rows), *values.shape[1:]), values.dtype)
    # A quarter of the time that it takes with a check of each number.
    return np.take(values, rows, axis=0, mode="clip", out=found)


def _aligned(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Returns an array, not filled, that TensorFlow takes as a tensor without a copy."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + ALIGNED, np.uint8)
    first = -memory.ctypes.data % ALIGNED
    return memory[first : first + size].view(dtype).reshape(shape)


def _bytes(taken: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Returns where each text of an array ends, int64 [n + 1], and all its bytes."""
    _, ends, data = taken.buffers()
    places = np.frombuffer(ends, np.int64)[: len(taken) + 1]
    letters = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return places, letters[: places[-1]]


def _texts(letters: np.ndarray, ends: np.ndarray) -> np.ndarray:
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(letters)]
    texts = pa.Array.from_buffers(pa.large_binary(), len(ends) - 1, buffers)
    return texts.to_numpy(zero_copy_only=False)


def _rows(leaf: Leaf, left: Iterator[tf.Tensor], first: tf.Tensor, last: tf.Tensor) -> Any:
    """Returns rows of a leaf that is no column of a shared file; `first`, `last` are [1]."""
    nested = []
    for _ in range(leaf.ragged):
        splits = _cut(next(left), first, last + 1)
        first, last = splits[:1], splits[-1:]
        nested.append(splits - first)
    values = _cut(next(left), first, last)
    values = values if leaf.dtype == "string" else tf.cast(values, leaf.dtype)
    if not nested:
        return values
    return tf.RaggedTensor.from_nested_row_splits(values, nested, validate=False)
