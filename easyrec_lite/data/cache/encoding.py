"""From the batches of a data set to the entries of a cache's files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.data.cache.layout import ENDS, CacheColumn, CacheLayout, NotStorable

# File → its entries.
Entries = dict[str, np.ndarray]


def flatten(layout: CacheLayout, element: Any) -> list[tf.Tensor]:
    """Returns the tensors that `entries` takes: of each column its lengths, then its values.

    Texts become their lengths, and one text of them all: so no Python object is made of each.
    """
    flat: list[tf.Tensor] = []
    present = [tensor for tensor in tf.nest.flatten(element) if tensor is not None]
    for column, tensor in zip(layout.columns, present, strict=True):
        if column.ragged:
            flat += [splits[1:] - splits[:-1] for splits in tensor.nested_row_splits]
            tensor = tensor.flat_values
        if column.dtype == "string":
            flat.append(tf.strings.length(tensor))
            tensor = tf.strings.reduce_join(tensor)
        flat.append(tensor)
    return flat


def entries(layout: CacheLayout, flat: Sequence[np.ndarray], rows: slice) -> Entries:
    """Returns what the files get of some rows of a batch.

    The ends of a chain's files, int64 [rows], count bytes from the first of these rows.

    Args:
      layout: the files.
      flat: what `flatten` gave, as arrays.
      rows: which rows.

    Raises:
      NotStorable: an integer does not fit into the type on disk.
    """
    left = iter(flat)
    shared: dict[str, list[np.ndarray]] = {file: [] for file in layout.shared}
    made: Entries = {}
    for column in layout.columns:
        if column.shared:
            shared[column.stored].append(_narrowed(next(left)[rows], column.stored))
        elif not column.varies:
            made[column.files[0]] = next(left)[rows]
        else:
            for file, values, ends in _chain(column, left, rows):
                made[file] = _narrowed(values, layout.files[file][0])
                made[file + ENDS] = ends * layout.entry_bytes(file)
    return made | {file: np.stack(columns, axis=1) for file, columns in shared.items()}


def _chain(
    column: CacheColumn, flat: Iterator[np.ndarray], rows: slice
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yields (file, its entries, the number of them up to each row's end) along a chain."""
    lengths = [next(flat).astype(np.int64) for _ in column.files]
    values: Any = next(flat)
    if column.dtype == "string":
        values = np.frombuffer(values, np.uint8)
    # Where the rows begin and end among the entries of each file: at first among the rows
    # themselves, then among what these hold.
    bounds = np.arange(len(lengths[0]) + 1)[rows.start : rows.stop + 1]
    for level, file in enumerate(column.files):
        bounds = np.append(0, np.cumsum(lengths[level]))[bounds]
        inside = lengths[level + 1] if level + 1 < len(lengths) else values
        yield file, inside[bounds[0] : bounds[-1]], bounds[1:] - bounds[0]


def _narrowed(values: np.ndarray, stored: str) -> np.ndarray:
    narrow = values.astype(stored, copy=False)
    if narrow.dtype != values.dtype and not np.array_equal(narrow, values):
        raise NotStorable(f"a value of type {values.dtype} does not fit into {stored}")
    return narrow
