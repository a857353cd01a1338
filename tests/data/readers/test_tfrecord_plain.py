"""TFRecord files as read without TensorFlow: what TensorFlow reads, and what is wrong with them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import tensorflow as tf

from easyrec_lite.checks.columns import input_fields
from easyrec_lite.core.errors import DataError
from easyrec_lite.data.readers.base import open_reader
from easyrec_lite.data.readers.scan import good_rows, scan
from easyrec_lite.data.readers.tfrecord.framing import records
from easyrec_lite.data.readers.tfrecord.plain import plain_reader
from tests.data.readers.test_tfrecord import INPUT, example
from tests.data.reading import column, pipeline


def write(path: Path, given: list[bytes], compression: str = "") -> str:
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for record in given:
            writer.write(record)
    return str(path)


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_records_are_those_of_tensorflow(tmp_path: Path, compression: str) -> None:
    draw = random.Random(1)
    given = [draw.randbytes(size) for size in (0, 1, 7, 8, 9, 255, 70_000, 0)]
    path = write(tmp_path / "rows", given, compression)
    assert list(records(path)) == given
    dataset = tf.data.TFRecordDataset(path, compression)
    assert list(records(path)) == list(dataset.as_numpy_iterator())


@pytest.mark.parametrize("cut", [1, 11, 12, 15, 20, 26, 30])
def test_a_truncated_file_is_named(tmp_path: Path, cut: int) -> None:
    path = Path(write(tmp_path / "rows", [b"0123456789", b"abcdefghij"]))
    path.write_bytes(path.read_bytes()[: 26 + cut] if cut < 26 else path.read_bytes()[:cut])
    if cut == 26:
        assert list(records(str(path))) == [b"0123456789"]
        return
    with pytest.raises(DataError) as told:
        list(records(str(path)))
    (problem,) = told.value.problems
    assert problem.place.file == str(path)
    assert "record 2" in problem.message


@pytest.mark.parametrize("byte", range(26))
def test_a_damaged_byte_is_found(tmp_path: Path, byte: int) -> None:
    path = Path(write(tmp_path / "rows", [b"0123456789"]))
    content = bytearray(path.read_bytes())
    content[byte] ^= 16
    path.write_bytes(content)
    with pytest.raises(DataError, match="record 1"):
        list(records(str(path)))


def test_a_length_beyond_the_memory(tmp_path: Path) -> None:
    from easyrec_lite.data.readers.tfrecord.framing import CHECKSUM, masked_crc

    length = (1 << 60).to_bytes(8, "little")
    (tmp_path / "rows").write_bytes(length + CHECKSUM.pack(masked_crc(length)) + b"abc")
    with pytest.raises(DataError, match="record 1"):
        list(records(str(tmp_path / "rows")))


def test_values_are_those_of_the_reader(tmp_path: Path) -> None:
    given = [
        example(i=-3, l=2**53 + 1, s="é".encode(), f=0.1, d=0.25, b=1, unused=[1, 2]),
        example(),
    ]
    path = write(tmp_path / "rows", given)
    config = pipeline("i:INT32=-1 l:INT64 s:STRING=none f:FLOAT d:DOUBLE=2.5 b:BOOL", "", INPUT)
    reader = open_reader(config, path, training=True)
    found = [row.values for row in good_rows(config, path)]
    for name in ("i", "l", "s", "f", "d", "b"):
        assert [row[name] for row in found] == column(reader, name)


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (example(n=b"x"), "1 values of bytes_list"),
        (example(n=0.5), "1 values of float_list"),
        (example(n=[1, 2]), "2 values of int64_list"),
        (example(n=2**31), "'2147483648'"),
        (example(n=1, f=float("nan")), "'nan'"),
        (b"\xff\xff", ""),
    ],
    # The bytes of a message with several fields differ between processes.
    ids=["text", "decimal", "two", "large", "not a number", "no message"],
)
def test_bad_records_are_told_by_check(tmp_path: Path, record: bytes, found: str) -> None:
    path = write(tmp_path / "rows", [example(n=1)] * 2 + [record] + [example(n=1, f=0.5)])
    (problem,) = scan(pipeline("n:INT32 f:FLOAT", "", INPUT), path, rows=3)[-1:]
    assert (problem.place.file, problem.place.line, problem.found) == (path, 3, found)


def test_what_is_no_file_of_records(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("clk,user\n1,7\n")
    (problem,) = scan(pipeline("n:INT32", "", INPUT), str(tmp_path / "rows"))
    assert problem.place.file == str(tmp_path / "rows")


def test_a_field_that_no_record_holds(tmp_path: Path) -> None:
    (tmp_path / "dt=3").mkdir()
    path = write(tmp_path / "dt=3" / "rows", [example(user_id=b"1")])
    (problem,) = scan(pipeline("userid", "", INPUT), path)
    assert (problem.severity, problem.path, problem.nearest) == ("warning", "userid", "user_id")
    found = scan(pipeline("user_id dt:INT64", "", INPUT), path)
    assert [(problem.severity, problem.path) for problem in found] == [("error", "dt")]


def test_text(tmp_path: Path) -> None:
    path = write(tmp_path / "rows", [example(n=7, s="é".encode(), f=0.5), example(n=8)])
    config = pipeline("n:INT64 s:STRING=none f:FLOAT=2", "", INPUT)
    (table,) = plain_reader(config).text([path], input_fields(config))
    assert table.to_pydict() == {"n": ["7", "8"], "s": ["é", ""], "f": ["0.5", ""]}
