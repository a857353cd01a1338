"""Writes item tables: the attributes joined in one column, or in columns of their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.checks.encoding import UTF8
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.core.files import atomic_write
from easyrec_lite.data.tables.sampler_table import MAX_PROBLEMS

HEADER = "id:{kind}\tweight:float"


def write_item_table(
    path: Path,
    ids: pa.Array,
    weights: np.ndarray,
    attributes: Sequence[pa.Array],
    delimiter: str = ":",
    encoding: str = UTF8,
) -> None:
    """Writes a table that `read_item_table` reads.

    Args:
      path: the file to write; replaced completely or not at all.
      ids: text [M].
      weights: float [M].
      attributes: text [M] each, joined by `delimiter` in this order.
      delimiter: must not occur in an attribute when there are several.
      encoding: the codec of the file.

    Raises:
      DataError: an attribute or an id contains the delimiter, a tab or a line break.
    """
    cells = pc.binary_join_element_wise(*attributes, delimiter)
    parts = pc.add(pc.count_substring(cells, delimiter), 1).to_numpy(zero_copy_only=False)
    wrong = (parts != len(attributes)) & (len(attributes) > 1)
    remedy = "set the sampler's attr_delimiter to text that no attribute contains"
    _write(path, ids, weights, {"feature": cells}, encoding, wrong, f"no {delimiter!r}, ", remedy)


def write_named_table(
    path: Path,
    ids: pa.Array,
    weights: np.ndarray,
    attributes: Mapping[str, pa.Array],
    encoding: str = UTF8,
) -> None:
    """Writes a table with a column for each attribute, which `read_item_table` reads.

    Args:
      path: the file to write; replaced completely or not at all.
      ids: text [M].
      weights: float [M].
      attributes: name → text [M].
      encoding: the codec of the file.

    Raises:
      DataError: an attribute or an id contains a tab or a line break.
    """
    nothing = np.zeros(len(ids), bool)
    _write(path, ids, weights, attributes, encoding, nothing, "no ", "clean the data")


def _write(
    path: Path,
    ids: pa.Array,
    weights: np.ndarray,
    columns: Mapping[str, pa.Array],
    encoding: str,
    wrong: np.ndarray,
    barred: str,
    remedy: str,
) -> None:
    numbers = pa.array(np.char.mod("%.6g", weights))
    lines = pc.binary_join_element_wise(ids, numbers, *columns.values(), "\t")
    breaks = pc.count_substring_regex(lines, r"[\t\r\n]").to_numpy(zero_copy_only=False)
    wrong = wrong | (breaks != len(columns) + 1)
    if wrong.any():
        shown = [lines[row].as_py()[:200] for row in np.flatnonzero(wrong)[:MAX_PROBLEMS]]
        raise DataError(
            Problem(
                "an item cannot be written to the item table",
                Place(str(path)),
                expected=f"{barred}tab or line break within an attribute",
                found=repr(line),
                remedy=remedy,
            )
            for line in shown
        )
    whole = pc.all(pc.match_substring_regex(ids, r"^-?\d{1,18}$")).as_py()
    header = HEADER.format(kind="int64" if whole else "string") + "".join(
        f"\t{name}:string" for name in columns
    )
    text = "\n".join([header, *lines.to_pylist()]) + "\n"
    atomic_write(path, text if encoding == UTF8 else _encoded(path, text, encoding))


def _encoded(path: Path, text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        found = repr(text[error.start : error.end])
        problem = Problem(f"{encoding} cannot write an item", Place(str(path)), found=found)
        raise DataError(problem) from None
