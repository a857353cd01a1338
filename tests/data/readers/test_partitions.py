"""Fields whose values the folders `key=value` above the files hold."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from easyrec_lite.core.errors import DataError
from easyrec_lite.core.input_paths import files_of
from easyrec_lite.data.readers.base import Reader, held_fields, open_reader
from easyrec_lite.data.readers.partitions import folder_texts
from easyrec_lite.data.readers.scan import good_rows, scan
from easyrec_lite.data.tables.item_count import _plain_reader
from tests.data.readers.test_tfrecord import example
from tests.data.reading import column, failure, pipeline

CITIES = {"K%C3%B6ln": "Köln", "__HIVE_DEFAULT_PARTITION__": "none", "a%2Cb%3D%25": "a,b=%"}
FIELDS = "n:INT32 city:STRING=none s:STRING hour:INT64"
KINDS = ("CSVInput", "CSVInputEx", "header", "ParquetInput")
# Row: n, city, s, hour; two rows a file.
ROWS = [
    (2 * at + i, city, f"s{i}", 7 + at) for at, city in enumerate(CITIES.values()) for i in (0, 1)
]


def write(root: Path, kind: str) -> str:
    """Writes the rows in folders of their city and hour."""
    for at, part in enumerate(CITIES):
        folder = root / f"city={part}" / f"hour={7 + at:02}"
        folder.mkdir(parents=True)
        (folder / "_SUCCESS").touch()
        rows = [{"n": n, "s": s} for n, _, s, _ in ROWS[2 * at :][:2]]
        write_file(folder / "part-0", kind, rows)
    return str(root)


def write_file(path: Path, kind: str, rows: list[dict]) -> None:
    if kind == "ParquetInput":
        pq.write_table(pa.Table.from_pylist(rows), path)
        return
    lines = [",".join(map(str, row.values())) for row in rows]
    path.write_text("\n".join([",".join(rows[0])] * (kind == "header") + lines) + "\n\n")


def config(kind: str, fields: str = FIELDS, more: str = ""):
    header = kind == "header"
    more += " with_header: true" if header else ""
    return pipeline(fields, more, "CSVInput" if header else kind)


def rows(reader: Reader, **order: object) -> list[tuple]:
    columns = [column(reader, name, **order) for name in ("n", "city", "s", "hour")]
    return [(n, city.decode(), s.decode(), hour) for n, city, s, hour in zip(*columns, strict=True)]


@pytest.mark.parametrize("kind", KINDS)
def test_fields_take_their_values_from_folders(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind)
    assert [field.name for field in held_fields(config(kind), path)] == ["n", "city", "s", "hour"]
    reader = open_reader(config(kind), path, training=True)
    assert rows(reader) == ROWS
    assert sorted(rows(reader, shuffle=True, seed=3)) == ROWS
    some = open_reader(config(kind), path, training=False, columns=["hour", "s"])
    assert column(some, "hour") == [row[3] for row in ROWS]
    alone = open_reader(config(kind), path, training=False, columns=["city"])
    assert column(alone, "city") == [row[1].encode() for row in ROWS]


@pytest.mark.parametrize("kind", KINDS)
def test_plain_readers_give_the_same(tmp_path: Path, kind: str) -> None:
    path, given = write(tmp_path, kind), config(kind)
    found = [row.values for row in good_rows(given, path)]
    names = ("n", "city", "s", "hour")
    assert [tuple(row[name] for name in names) for row in found] == [
        (n, city.encode(), s.encode(), hour) for n, city, s, hour in ROWS
    ]
    reader = open_reader(given, path, training=True)
    (*tables,) = _plain_reader(given).text(reader.files, reader.fields)
    whole = pa.concat_tables(tables)
    assert whole["city"].to_pylist() == [row[1].replace("none", "") for row in ROWS]
    assert [int(hour) for hour in whole["hour"].to_pylist()] == [row[3] for row in ROWS]


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_the_files_must_equal_the_folder(tmp_path: Path, kind: str) -> None:
    (tmp_path / "city=Rom").mkdir()
    cells = [{"n": n, "city": city, "f": f} for n, city, f in ((1, "Rom", 0.1), (2, "Köln", 0.1))]
    write_file(tmp_path / "city=Rom" / "part-0", kind, cells)
    fields, path = "n:INT32 city f:FLOAT", str(tmp_path)
    (problem,) = failure(open_reader(config(kind, fields), path, training=True))[0].problems
    assert (problem.place.line, problem.path) == (3 if kind == "header" else 2, "city")
    assert "Köln" in problem.found
    assert "Rom" in problem.expected
    assert scan(config(kind, fields), path) == [problem]
    skipping = config(kind, fields, "bad_row_policy: SKIP")
    reader = open_reader(skipping, path, training=True)
    assert column(reader, "n") == [1]
    assert reader.bad_rows() == 1


def test_rows_of_csv_without_header_may_hold_the_column(tmp_path: Path) -> None:
    (tmp_path / "dt=5").mkdir()
    (tmp_path / "dt=5" / "a.csv").write_text("5,x\n05,y\n6,z\n")
    reader = open_reader(pipeline("dt:INT32 s"), str(tmp_path), training=True)
    (problem,) = failure(reader, 2)[0].problems
    assert (problem.place.line, problem.path, problem.found) == (3, "dt", "'6'")
    (tmp_path / "dt=5" / "a.csv").write_text("x\ny\n\nz,\n")
    reader = open_reader(pipeline("s dt:INT32"), str(tmp_path), training=True)
    (problem,) = failure(reader, 1)[0].problems
    assert (problem.place.line, problem.message[:9]) == (4, "the row h")
    reader = open_reader(
        pipeline("s dt:INT32", "bad_row_policy: SKIP"), str(tmp_path), training=True
    )
    assert column(reader, "s") == [b"x", b"y", b""]
    assert column(reader, "dt") == [5, 5, 5]


@pytest.mark.parametrize("kind", ["header", "ParquetInput"])
def test_wrong_values_and_different_keys(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind)
    (tmp_path / "city=Rom").mkdir()
    write_file(tmp_path / "city=Rom" / "late", kind, [{"n": 1, "s": "x"}])
    given = config(kind)
    with pytest.raises(DataError) as told:
        open_reader(given, path, training=True)
    for (problem,) in (told.value.problems, scan(given, path)):
        assert (Path(problem.place.file).name, problem.path) == ("late", "hour")
        assert (problem.expected[-10:], problem.found) == ("city, hour", "city")
    other = config(kind, FIELDS.replace("city:STRING=none", "city:INT32"))
    with pytest.raises(DataError, match="Köln"):
        open_reader(other, path, training=True, columns=["city"])
    assert len(open_reader(given, path, training=True, columns=["n"]).files) == len(CITIES) + 1


def test_records_that_lack_the_key_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "dt=1").mkdir()
    path = str(tmp_path / "dt=1" / "rows")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(example(n=1))
    assert open_reader(pipeline("n:INT64", "", "TFRecordInput"), path, training=True).files
    with pytest.raises(DataError) as told:
        open_reader(pipeline("n:INT64 dt:INT64", "", "TFRecordInput"), path, training=True)
    assert [problem.path for problem in told.value.problems] == ["dt"]


def test_the_folders_of_a_path(tmp_path: Path) -> None:
    path = write(tmp_path, "ParquetInput")
    every = files_of(path)
    assert len(every) == len(CITIES)
    assert files_of(f"{path}/**") == every
    assert files_of(f"{path}/city=*/hour=*") == every
    assert folder_texts("/a=1/b/c=2/d=%3D/x") == {"c": b"2", "d": b"="}
    assert folder_texts("/a=__HIVE_DEFAULT_PARTITION__/x=y.csv") == {"a": b""}
