"""Labels and weights without a value: bad rows, as no default can stand for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from easyrec_lite.data.readers.base import Reader, open_reader
from easyrec_lite.data.readers.scan import scan
from tests.data.readers.test_tfrecord import example
from tests.data.reading import column, failure, pipeline

KINDS = ("CSVInput", "CSVInputEx", "ParquetInput", "TFRecordInput")
FIELDS = "clk:INT32{} w:FLOAT{} n:INT64"
LABELS = 'label_fields: "clk" sample_weight: "w"'
ROWS = [
    {"clk": 1, "w": 0.5, "n": 7},
    {"clk": 0, "w": 1.0, "n": None},
    {"clk": None, "w": 2.0, "n": 8},
    {"clk": 1, "w": None, "n": 9},
]
CELLS = {(3, "clk"), (4, "w")}


def write(folder: Path, kind: str, rows: list[Mapping[str, object]]) -> str:
    path = folder / "rows"
    if kind.startswith("CSV"):
        lines = [",".join("" if v is None else str(v) for v in row.values()) for row in rows]
        path.write_text("\n".join(lines) + "\n")
    elif kind == "ParquetInput":
        types = [("clk", pa.int32()), ("w", pa.float32()), ("n", pa.int64())]
        pq.write_table(pa.Table.from_pylist(rows, pa.schema(types)), path)
    else:
        with tf.io.TFRecordWriter(str(path)) as writer:
            for row in rows:
                writer.write(example(**{k: v for k, v in row.items() if v is not None}))
    return str(path)


def opened(
    folder: Path, kind: str, more: str = "", default: str = "", supervised: bool = True
) -> Reader:
    config = pipeline(FIELDS.format(default, default), f"{LABELS} {more}", kind)
    path = write(folder, kind, ROWS)
    return open_reader(config, path, training=True, supervised=supervised)


@pytest.mark.parametrize("kind", KINDS)
def test_the_cell_is_named(tmp_path: Path, kind: str) -> None:
    (problem,) = failure(opened(tmp_path, kind), 2)[0].problems
    assert (problem.place.line, problem.path) == (3, "clk")
    assert "default_val" in problem.remedy
    assert "SKIP" in problem.remedy


@pytest.mark.parametrize("kind", KINDS)
def test_skip_leaves_the_rows_out(tmp_path: Path, kind: str) -> None:
    reader = opened(tmp_path, kind, "bad_row_policy: SKIP")
    assert column(reader, "n") == [7, 0]
    assert reader.bad_rows() == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_stated_default_is_the_value(tmp_path: Path, kind: str) -> None:
    reader = opened(tmp_path, kind, default="=1")
    assert column(reader, "clk") == [1, 0, 1, 1]
    assert column(reader, "w") == [0.5, 1.0, 2.0, 1.0]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_to_predict_need_no_labels(tmp_path: Path, kind: str) -> None:
    assert column(opened(tmp_path, kind, supervised=False), "clk") == [1, 0, 0, 1]


@pytest.mark.parametrize("kind", ["CSVInput", "ParquetInput", "TFRecordInput"])
def test_check_names_the_same_cells(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind, ROWS)
    found = scan(pipeline(FIELDS.format("", ""), LABELS, kind), path)
    assert {(problem.place.line, problem.path) for problem in found} == CELLS
    assert scan(pipeline(FIELDS.format("=0", "=1"), LABELS, kind), path) == []


def test_a_column_that_is_null_throughout(tmp_path: Path) -> None:
    pq.write_table(pa.table({"clk": pa.nulls(2), "n": [1, 2]}), tmp_path / "rows")
    config = pipeline("clk:INT32 n:INT64", LABELS, "ParquetInput")
    found = scan(config, str(tmp_path / "rows"))
    assert [(problem.place.line, problem.path) for problem in found] == [(1, "clk"), (2, "clk")]


def test_a_record_type_names_the_likely_field(tmp_path: Path, caplog) -> None:
    path = str(tmp_path / "rows")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(example(click=1))
    reader = open_reader(pipeline("clk:INT64", LABELS, "TFRecordInput"), path, training=True)
    assert "nearest:  click" in caplog.text
    assert [problem.path for problem in failure(reader)[0].problems] == ["clk"]
