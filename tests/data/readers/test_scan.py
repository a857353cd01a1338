from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easyrec_lite.data.readers.scan import label_zero_share, scan
from tests.data.reading import pipeline

LABEL = 'label_fields: "clk"'


def write(folder: Path, text: str) -> str:
    (folder / "rows.csv").write_text(text)
    return str(folder / "rows.csv")


def test_good_rows(tmp_path: Path) -> None:
    path = write(tmp_path, '1,"a,b"\n0,\n0,c\n0,d\n')
    assert scan(pipeline("clk:INT32 s"), path) == []
    assert label_zero_share(pipeline("clk:INT32 s", LABEL), path) == {"clk": 0.75}


def test_bad_rows_are_all_reported_with_their_places(tmp_path: Path) -> None:
    path = write(tmp_path, "1,2\nx,y\n\n1,2,3\n4,5\n1,1e3\n")
    found = scan(pipeline("clk:INT32 n:INT32"), path)
    assert [(problem.place.line, problem.path, problem.found) for problem in found] == [
        (2, "clk", "'x'"),
        (2, "n", "'y'"),
        (4, "", "3 columns: '1,2,3'"),
        (6, "n", "'1e3'"),
    ]
    assert label_zero_share(pipeline("clk:INT32 n:INT32", LABEL), path) == {"clk": 0.0}


def test_only_the_first_rows_and_not_too_many_problems(tmp_path: Path) -> None:
    path = write(tmp_path, "1\n" * 5 + "x\n" * 50)
    config = pipeline("clk:INT32")
    assert scan(config, path, rows=5) == []
    assert len(scan(config, path, rows=7)) == 2
    assert len(scan(config, path)) == 20


@pytest.mark.parametrize(
    ("text", "message"), [("", "holds no rows"), ("a,c\n1,2\n", "lacks the column 'clk'")]
)
def test_what_cannot_be_read_is_a_problem(tmp_path: Path, text: str, message: str) -> None:
    more = "with_header: true" if text else ""
    found = scan(pipeline("clk:INT32", more), write(tmp_path, text))
    assert [message in problem.message for problem in found] == [True]


def test_a_missing_file_and_a_refused_type(tmp_path: Path) -> None:
    found = scan(pipeline("clk"), str(tmp_path / "rows.csv"))
    assert found[0].message == "no such file or folder"
    assert "KafkaInput" in scan(pipeline("clk", "", "KafkaInput"), "x")[0].message


def test_plain_split(tmp_path: Path) -> None:
    path = write(tmp_path, '1,"a\n')
    assert "not closed" in scan(pipeline("clk:INT32 s"), path)[0].message
    assert scan(pipeline("clk:INT32 s", "", "CSVInputEx"), path) == []


def test_parquet(tmp_path: Path) -> None:
    table = pa.table({"clk": [0, 1, 0, 0] * 500, "n": ["1", "x", "2", None] * 500})
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=700)
    config = pipeline("clk:INT32 n:INT64", LABEL, "ParquetInput")
    found = scan(config, str(tmp_path), rows=1030)
    assert len(found) == 20
    assert [problem.place.line for problem in found] == list(range(2, 82, 4))
    assert label_zero_share(config, str(tmp_path), 1030) == {"clk": 1.0}
    missing = scan(pipeline("clik:INT32", "", "ParquetInput"), str(tmp_path))
    assert [problem.nearest for problem in missing] == ["clk"]


def test_types_without_files_of_text_are_not_scanned() -> None:
    assert scan(pipeline("clk", "", "DummyInput"), "") == []
    assert label_zero_share(pipeline("clk", LABEL, "DummyInput"), "") == {}


def test_a_broken_file(tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(b"%d\n" % (n * 7919 % 10007) for n in range(9000)))
    (tmp_path / "half.gz").write_bytes(packed[: len(packed) // 2])
    path = str(tmp_path / "half.gz")
    assert scan(pipeline("clk:INT32"), path, rows=5) == []
    (problem,) = scan(pipeline("clk:INT32"), path, rows=9000)
    assert (problem.place.file, problem.message[:18]) == (path, "the file is broken")
