"""Rows that do not hold what features or losses want: named, or left out, as other bad rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from easyrec_lite.core.errors import DataError
from easyrec_lite.data.readers.base import Reader, open_reader
from easyrec_lite.data.readers.iterate import guarded
from easyrec_lite.data.rows.cells import Expectation, require
from tests.data.reading import column, pipeline

ROWS = 60
BAD = (37, 50)


def cells(columns: Any) -> Sequence[Expectation]:
    return [Expectation(("s",), "no x", ~tf.strings.regex_full_match(columns["s"], "x.*"))]


@pytest.fixture(params=["CSVInput", "ParquetInput"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(folder: Path, kind: str, more: str = "") -> Reader:
    texts = [f"{'x' if row in BAD else ''}{row}" for row in range(ROWS)]
    path = folder / "rows"
    if kind == "CSVInput":
        path.write_text("".join(f"{row},{text}\n" for row, text in enumerate(texts)))
    else:
        pq.write_table(pa.table({"n": range(ROWS), "s": texts}), path)
    return open_reader(pipeline("n:INT32 s", more, kind), str(path), training=True, cells=cells)


def test_the_row_is_named_and_the_search_ends(tmp_path: Path, kind: str) -> None:
    reader = opened(tmp_path, kind)
    batches = reader.batches(8, epochs=None, shuffle=True, seed=3)
    required = batches.map(lambda columns, position: (require(cells, columns), position))
    with pytest.raises(DataError) as told:
        list(guarded(reader, required, lambda element: element[1]))
    (problem,) = told.value.problems
    assert problem.place.line - 1 in BAD
    assert problem.path == "s"
    assert f"'x{problem.place.line - 1}': no x" in problem.message


def test_an_unexplained_failure_searches_an_epoch_and_no_more(tmp_path: Path) -> None:
    reader = opened(tmp_path, "CSVInput")
    searched: list[int] = []
    reader._cells = lambda columns: searched.append(len(columns["n"])) or ()  # type: ignore[func-returns-value]
    reader.begin(epochs=None)
    reader.explain(tf.errors.InvalidArgumentError(None, None, "why"), (5, 8))
    assert sum(searched) <= 2 * ROWS


def test_skip_leaves_them_out_and_counts_them(tmp_path: Path, kind: str) -> None:
    reader = opened(tmp_path, kind, "bad_row_policy: SKIP")
    assert column(reader, "n") == [row for row in range(ROWS) if row not in BAD]
    assert reader.bad_rows() == 2
