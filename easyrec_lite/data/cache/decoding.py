"""From the files of a cache to batches: rows are gathered in blocks, which batches are cut from.

NumPy and Arrow gather the rows of a block (`RowGatherer.block`), TensorFlow's operations cut it
into batches and rebuild the nest (`element`). The block's arrays are aligned as TensorFlow wants
them, so that it takes them as tensors without a copy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from easyrec_lite.data.cache.layout import ENDS, CacheColumn, CacheLayout, is_present

ALIGNED = 64


class RowGatherer:
    """Gathers rows out of the files of a cache.

    Args:
      layout: the files.
      files: file → its entries, mapped into memory.
    """

    def __init__(self, layout: CacheLayout, files: Mapping[str, np.ndarray]):
        self._layout = layout
        self._files = files
        self._chains = {
            file: _byte_strings(files[file + ENDS], files[file]) for file in layout.chains
        }

    def block(self, rows: np.ndarray) -> list[np.ndarray]:
        """Returns the rows `rows`, int64 [n], as arrays that fit `signature`."""
        arrays = [_taken(self._files[file], rows) for file in self._layout.shared]
        places = pa.array(rows)
        for column in self._layout.columns:
            if column.varies:
                arrays += self._along_chain(column, places)
            elif not column.shared:
                arrays.append(_taken(self._files[column.files[0]], rows))
        return arrays

    def _along_chain(self, column: CacheColumn, places: pa.Array) -> Iterator[np.ndarray]:
        """Yields the row splits of each ragged dimension, then the values."""
        splits = values = np.zeros(0, np.int64)
        for level, file in enumerate(column.files):
            ends, content = _bytes(self._chains[file].take(places))
            # What the file before holds are the lengths of what this one does.
            if level:
                splits = np.append(0, np.cumsum(values))
            else:
                splits = _aligned(ends.shape, np.int64)
                np.floor_divide(ends, self._layout.entry_bytes(file), out=splits)
            if level < column.ragged:
                yield splits
            dtype, inner = self._layout.files[file]
            values = content.view(dtype).reshape(-1, *inner)
        yield _texts(values, splits) if column.dtype == "string" else values


def signature(layout: CacheLayout) -> tuple[tf.TensorSpec, ...]:
    """Returns the specs of a block: shared files [n, columns], then splits and values."""
    specs = [tf.TensorSpec([None, count], file) for file, count in layout.shared.items()]
    for column in layout.columns:
        if not column.shared:
            specs += [tf.TensorSpec([None], tf.int64)] * column.ragged
            dtype = tf.string if column.dtype == "string" else column.stored
            shape = [None] if column.width is None else [None, column.width]
            specs.append(tf.TensorSpec(shape, dtype))
    return tuple(specs)


def element(
    layout: CacheLayout, block: Sequence[tf.Tensor], first: tf.Tensor, last: tf.Tensor
) -> Any:
    """Returns rows `first` up to `last` of a block as an element of the data set."""
    left = iter(block)
    span = tf.reshape(first, [1]), tf.reshape(last, [1])
    shared = {file: tf.transpose(_cut(next(left), *span)) for file in layout.shared}
    # One operation for all columns of a type costs less than one for each of them.
    kinds = {(column.stored, column.dtype) for column in layout.columns if column.shared}
    singles = {kind: tf.unstack(tf.cast(shared[kind[0]], kind[1])) for kind in sorted(kinds)}
    made = iter(
        [
            singles[column.stored, column.dtype][column.at]
            if column.shared
            else _rows(column, left, *span)
            for column in layout.columns
        ]
    )
    parts = [next(made) if is_present(spec) else None for spec in tf.nest.flatten(layout.spec)]
    return tf.nest.pack_sequence_as(layout.spec, parts)


def _rows(column: CacheColumn, left: Iterator[tf.Tensor], first: tf.Tensor, last: tf.Tensor) -> Any:
    """Returns rows of a column that is not in a shared file; `first` and `last` are [1]."""
    nested = []
    for _ in range(column.ragged):
        splits = _cut(next(left), first, last + 1)
        first, last = splits[:1], splits[-1:]
        nested.append(splits - first)
    values = _cut(next(left), first, last)
    values = values if column.dtype == "string" else tf.cast(values, column.dtype)
    if not nested:
        return values
    return tf.RaggedTensor.from_nested_row_splits(values, nested, validate=False)


def _cut(values: tf.Tensor, first: tf.Tensor, last: tf.Tensor) -> tf.Tensor:
    # Brackets make an operation for each bound, which here take as long as the cut itself.
    return tf.strided_slice(values, first, last, [1])


def _taken(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    taken = _aligned((len(rows), *values.shape[1:]), values.dtype)
    # `clip` takes a quarter of the time of `raise`, which checks each number.
    return np.take(values, rows, axis=0, mode="clip", out=taken)


def _aligned(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Returns an array, not filled, that TensorFlow takes as a tensor without a copy."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + ALIGNED, np.uint8)
    first = -memory.ctypes.data % ALIGNED
    return memory[first : first + size].view(dtype).reshape(shape)


def _byte_strings(ends: np.ndarray, data: np.ndarray) -> pa.Array:
    """Returns an Arrow array of the bytes between two ends each, int64 [n + 1]; without a copy."""
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_binary(), len(ends) - 1, buffers)


def _bytes(strings: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Returns where each string of an array ends, int64 [n + 1], and all their bytes."""
    _, ends, data = strings.buffers()
    places = np.frombuffer(ends, np.int64)[: len(strings) + 1]
    letters = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return places, letters[: places[-1]]


def _texts(letters: np.ndarray, ends: np.ndarray) -> np.ndarray:
    return _byte_strings(ends, letters).to_numpy(zero_copy_only=False)
