"""Item vectors of an export: as Parquet with the items' columns, and as NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.files import write_array

PARQUET = "item_vectors.parquet"
VECTORS = "item_vectors.npy"
IDS = "item_ids.npy"
ID_COLUMN, VECTOR_COLUMN = "item_id", "item_tower_emb"


def write_item_vectors(
    folder: Path, ids: np.ndarray, vectors: np.ndarray, columns: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Writes `item_vectors.parquet`, `item_vectors.npy` and `item_ids.npy`, of the same rows.

    Args:
      folder: the folder of the files.
      ids: text, object [M].
      vectors: float32 [M, D].
      columns: further columns of the items, [M] each, for the Parquet file. A column `item_id` that
        repeats the ids is left out; a name that is taken gets the prefix `item_`.

    `item_ids.npy` contains the UTF-8 bytes of the ids at one width (dtype `S…`, no pickle).

    Returns:
      File → description for the manifest.
    """
    encoded = np.array([item.encode() for item in ids], np.bytes_)
    write_array(folder / VECTORS, vectors)
    write_array(folder / IDS, encoded)
    flat = pa.array(np.ascontiguousarray(vectors).ravel())
    table = {
        ID_COLUMN: pa.array(ids, pa.string()),
        VECTOR_COLUMN: pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
    }
    for name, cells in columns.items():
        if name != ID_COLUMN or (cells.astype(str) != ids.astype(str)).any():
            table[free_name(name, table, "item_")] = pa.array(cells)
    written = pa.table(table)
    with fs.open_arrow(folder / PARQUET, "wb") as file:
        pq.write_table(written, file)
    return {
        PARQUET: {field.name: str(field.type) for field in written.schema},
        VECTORS: {"dtype": vectors.dtype.str, "shape": list(vectors.shape)},
        IDS: {"dtype": encoded.dtype.str, "shape": [len(ids)], "encoding": "UTF-8"},
    }


def read_vectors(folder: Path) -> np.ndarray:
    """Returns the vectors of an export's items, float32 [M, D]."""
    return fs.load_array(folder / VECTORS)


def read_ids(folder: Path) -> np.ndarray:
    """Returns the ids of an export's items, text [M]."""
    return np.char.decode(fs.load_array(folder / IDS), "utf-8")


def read_columns(folder: Path) -> pa.Table:
    """Returns the items of an export, M rows: `item_id` and the further columns."""
    with fs.open_arrow(folder / PARQUET) as file:
        table = pq.ParquetFile(file)
        return table.read([name for name in table.schema_arrow.names if name != VECTOR_COLUMN])


def free_name(name: str, taken: Mapping[str, object], prefix: str) -> str:
    """Returns `name`, with `prefix` as often as needed for it not to be in `taken`."""
    while name in taken:
        name = prefix + name
    return name
