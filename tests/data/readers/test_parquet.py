from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from easyrec_lite.core.errors import DataError
from easyrec_lite.data.readers.base import Reader, open_reader
from tests.data.reading import column, failure, pipeline, read

INPUT = "ParquetInput"


def parquet_reader(folder: Path, table: pa.Table, fields: str, more: str = "") -> Reader:
    pq.write_table(table, folder / "rows.parquet", row_group_size=4)
    config = pipeline(fields, more, INPUT)
    return open_reader(config, str(folder), training=True)


def test_types_and_defaults(tmp_path: Path) -> None:
    table = pa.table(
        {
            "i": pa.array([1, None, -3], pa.int64()),
            "l": pa.array([2**53 + 1, None, 5], pa.int64()),
            "s": pa.array(["é", None, ""]),
            "f": pa.array([0.5, None, 3.0], pa.float64()),
            "d": pa.array([0.1, None, 2.0], pa.float32()),
            "b": pa.array([True, None, False]),
            "unused": [[1], [], None],
        }
    )
    fields = "b:BOOL=true i:INT32=-1 l:INT64 s:STRING=none f:FLOAT d:DOUBLE=2.5"
    reader = parquet_reader(tmp_path, table, fields)
    ((columns, position),) = read(reader, 5)
    assert position == (0, 3)
    assert columns == {
        "b": [True, True, False],
        "i": [1, -1, -3],
        "l": [2**53 + 1, 0, 5],
        "s": ["é".encode(), b"none", b""],
        "f": [0.5, 0.0, 3.0],
        "d": [float(np.float32(0.1)), 2.5, 2.0],
    }
    tensors, _ = next(iter(reader.batches(2)))
    assert [tensors[field.name].dtype for field in reader.fields] == [
        tf.bool,
        tf.int32,
        tf.int64,
        tf.string,
        tf.float32,
        tf.float64,
    ]


def test_other_types_that_mean_the_same(tmp_path: Path) -> None:
    table = pa.table(
        {
            "dictionary": pa.array(["x", None, "x"]).dictionary_encode(),
            "number": pa.array([17, -2, None], pa.int32()),
            "text": pa.array(["1", "", None]),
            "decimal": pa.array([1, 2, 3]).cast(pa.decimal128(20, 1)),
            "nothing": pa.nulls(3),
            "small": pa.array([1, 0, None], pa.uint8()),
        }
    )
    fields = "dictionary number text:INT32=9 decimal:FLOAT nothing:INT64=4 small:BOOL"
    ((columns, _),) = read(parquet_reader(tmp_path, table, fields), 5)
    assert columns == {
        "dictionary": [b"x", b"", b"x"],
        "number": [b"17", b"-2", b""],
        "text": [1, 9, 9],
        "decimal": [1.0, 2.0, 3.0],
        "nothing": [4, 4, 4],
        "small": [True, False, False],
    }


LISTS = [["a", "é"], [], None, ["b", None], ["c"], ["d", "e", "f"], [], ["g"], ["h"], []]
CLEAN = [[(text or "").encode() for text in cell or []] for cell in LISTS]


def test_lists_are_ragged(tmp_path: Path) -> None:
    numbers = [[len(cell or [])] * len(cell or []) for cell in LISTS]
    table = pa.table({"tags": LISTS, "n": numbers, "row": range(10)})
    reader = parquet_reader(tmp_path, table, "tags n:FLOAT row:INT32")
    first, _ = next(iter(reader.batches(3)))
    assert isinstance(first["tags"], tf.RaggedTensor)
    assert column(reader, "tags", 3) == CLEAN
    assert column(reader, "n", 3) == numbers
    rows = column(reader, "row", 3, shuffle=True, seed=1)
    assert rows != list(range(10))
    assert column(reader, "tags", 3, shuffle=True, seed=1) == [CLEAN[row] for row in rows]


def test_files_may_differ_in_the_width_of_their_types(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": pa.array([1], pa.int32()), "s": ["a"]}), tmp_path / "1.parquet")
    large = pa.array(["b"], pa.large_string())
    pq.write_table(pa.table({"s": large, "n": pa.array([2])}), tmp_path / "2.parquet")
    reader = open_reader(pipeline("n:INT64 s", "", INPUT), str(tmp_path), training=True)
    assert read(reader, 4) == [({"n": [1, 2], "s": [b"a", b"b"]}, (0, 2))]


def test_only_wanted_columns_must_be_there(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "rows")
    config = pipeline("a:INT32 label:INT32", "", INPUT)
    reader = open_reader(config, str(tmp_path), training=False, columns=["a"])
    assert read(reader, 4) == [({"a": [1]}, (0, 1))]
    with pytest.raises(DataError, match="lacks the column 'label'"):
        open_reader(config, str(tmp_path), training=False)


def test_all_wrong_columns_are_named(tmp_path: Path) -> None:
    table = pa.table({"user_ids": [1], "n": [0.5], "d": pa.array([0], pa.date32())})
    with pytest.raises(DataError) as raised:
        parquet_reader(tmp_path, table, "user_id n:INT32 d")
    found = {problem.path: (problem.found, problem.nearest) for problem in raised.value.problems}
    assert found == {
        "user_id": ("user_ids, n, d", "user_ids"),
        "n": ("double", ""),
        "d": ("date32[day]", ""),
    }


def test_a_column_of_lists_in_one_file_only(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": ["x"]}), tmp_path / "1")
    pq.write_table(pa.table({"a": [["x"]]}), tmp_path / "2")
    with pytest.raises(DataError, match="lists in some files"):
        open_reader(pipeline("a", "", INPUT), str(tmp_path), training=True)


def test_no_rows(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([], pa.string())})
    with pytest.raises(DataError, match="holds no rows"):
        parquet_reader(tmp_path, table, "a")
    assert read(open_reader(pipeline("a", "", INPUT), str(tmp_path), training=False), 2) == []


def test_a_file_of_another_format(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("1,2\n")
    with pytest.raises(DataError, match=r"rows\.csv: error: not a readable Parquet file"):
        open_reader(pipeline("a", "", INPUT), str(tmp_path), training=True)


BAD = [
    ("INT32", pa.array([1] * 9 + [2**31]), "'2147483648'"),
    ("INT32", pa.array(["1"] * 9 + ["x"]), "'x'"),
    ("INT64", pa.array([1] * 9 + [2**63], pa.uint64()), "'9223372036854775808'"),
    ("FLOAT", pa.array([0.5] * 9 + [float("nan")]), "'nan'"),
    ("FLOAT", pa.array([0.5] * 9 + [1e40]), "'1e+40'"),
    ("DOUBLE", pa.array([[0.5]] * 9 + [[0.5, float("inf")]]), "'[0.5, inf]'"),
]


@pytest.mark.parametrize(("kind", "values", "found"), BAD)
@pytest.mark.parametrize("shuffle", [False, True])
def test_a_bad_value_is_named(tmp_path: Path, kind: str, values, found: str, shuffle: bool) -> None:
    table = pa.table({"n": values, "s": ["a"] * 10})
    reader = parquet_reader(tmp_path, table, f"n:{kind} s")
    error, batches = failure(reader, 2, shuffle=shuffle)
    (problem,) = error.problems
    assert Path(problem.place.file).name == "rows.parquet"
    assert (problem.place.line, problem.path, problem.found) == (10, "n", found)
    assert shuffle or batches == 4


def test_bad_rows_can_be_left_out(tmp_path: Path) -> None:
    table = pa.table({"n": ["1", "x", "3", "4", "5", "y", None], "row": range(7)})
    reader = parquet_reader(tmp_path, table, "n:INT32=7 row:INT32", "bad_row_policy: SKIP")
    assert column(reader, "n") == [1, 3, 4, 5, 7]
    assert reader.bad_rows() == 2
    order = {"epochs": 3, "shuffle": True, "seed": 3}
    batches = read(reader, 2, **order)
    assert [len(columns["n"]) for columns, _ in batches] == [2] * 7 + [1]
    assert read(reader, 2, start=batches[3][1], **order) == batches[4:]


def test_too_many_bad_rows_stop(tmp_path: Path) -> None:
    more = "bad_row_policy: SKIP max_bad_rows: 1"
    reader = parquet_reader(tmp_path, pa.table({"n": ["x", "y", "1"]}), "n:INT32", more)
    assert "more than 1 bad rows" in str(failure(reader)[0])


def test_a_vanished_file_is_named(tmp_path: Path) -> None:
    reader = parquet_reader(tmp_path, pa.table({"n": [1]}), "n:INT32")
    (tmp_path / "rows.parquet").unlink()
    assert failure(reader)[0].problems[0].message == "no such file or folder"


def test_a_damaged_file_is_named_among_others(tmp_path: Path) -> None:
    for name in ("a", "b"):
        table = pa.table({"n": range(100)})
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=20)
    content = bytearray((tmp_path / "b.parquet").read_bytes())
    content[20:60] = b"\xff" * 40
    (tmp_path / "b.parquet").write_bytes(content)
    reader = open_reader(pipeline("n:INT32", "", "ParquetInput"), str(tmp_path), training=True)
    problem = failure(reader)[0].problems[0]
    assert Path(problem.place.file).name == "b.parquet"
    assert "the file is broken" in str(problem)


def test_windows_hold_whole_row_groups(tmp_path: Path) -> None:
    table = pa.table({"row": range(40)})
    reader = parquet_reader(tmp_path, table, "row:INT32", "shuffle_buffer_size: 8")
    rows = np.array(column(reader, "row", shuffle=True, seed=9))
    assert sorted(rows) == list(range(40))
    for first in range(0, 40, 8):
        assert len(set(rows[first : first + 8] // 4)) == 2
