from __future__ import annotations

import logging
from pathlib import Path

import pytest
import tensorflow as tf

from easyrec_lite.core.errors import DataError
from easyrec_lite.data.readers.base import Reader, open_reader
from tests.data.reading import column, failure, pipeline, read

INPUT = "TFRecordInput"
KINDS = {int: ("int64_list", tf.train.Int64List), float: ("float_list", tf.train.FloatList)}


def example(**values: object) -> bytes:
    features = {}
    for name, value in values.items():
        many = value if isinstance(value, list) else [value]
        kind, message = KINDS.get(type(many[0]), ("bytes_list", tf.train.BytesList))
        features[name] = tf.train.Feature(**{kind: message(value=many)})
    made = tf.train.Features(feature=features)
    return tf.train.Example(features=made).SerializeToString()


def tfrecord_reader(
    folder: Path, records: list[bytes], fields: str, more: str = "", compression: str = ""
) -> Reader:
    with tf.io.TFRecordWriter(str(folder / "rows.tfrecord"), compression) as writer:
        for record in records:
            writer.write(record)
    return open_reader(pipeline(fields, more, INPUT), str(folder), training=True)


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_types_and_defaults(tmp_path: Path, compression: str) -> None:
    records = [
        example(i=-3, l=2**53 + 1, s="é".encode(), f=0.5, d=0.25, b=1, unused=[1, 2]),
        example(),
    ]
    fields = "i:INT32=-1 l:INT64 s:STRING=none f:FLOAT d:DOUBLE=2.5 b:BOOL"
    reader = tfrecord_reader(tmp_path, records, fields, compression=compression)
    ((columns, position),) = read(reader, 5)
    assert position == (0, 2)
    assert columns == {
        "i": [-3, -1],
        "l": [2**53 + 1, 0],
        "s": ["é".encode(), b"none"],
        "f": [0.5, 0.0],
        "d": [0.25, 2.5],
        "b": [True, False],
    }
    tensors, _ = next(iter(reader.batches(2)))
    assert all(tensors[field.name].dtype == field.dtype for field in reader.fields)


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (example(n=b"x"), "1 values of bytes_list"),
        (example(n=0.5), "1 values of float_list"),
        (example(n=[1, 2]), "2 values of int64_list"),
        (example(n=2**31), "'2147483648'"),
        (example(n=1, f=float("nan")), "'nan'"),
    ],
    ids=["bytes", "float", "two values", "too large", "not a number"],
)
def test_a_bad_value_is_named(tmp_path: Path, record: bytes, found: str) -> None:
    reader = tfrecord_reader(tmp_path, [example(n=1)] * 5 + [record], "n:INT32 f:FLOAT")
    error, batches = failure(reader, 2)
    (problem,) = error.problems
    assert (problem.place.line, problem.found, batches) == (6, found, 2)
    assert Path(problem.place.file).name == "rows.tfrecord"


def test_what_is_no_example(tmp_path: Path) -> None:
    reader = tfrecord_reader(tmp_path, [example(n=1), b"\xff\xff"], "n:INT32")
    assert "serialized tf.train.Example" in str(failure(reader, 1)[0])


def test_bad_rows_can_be_left_out(tmp_path: Path) -> None:
    records = [example(n=1), example(n=b"x"), example(n=3)]
    reader = tfrecord_reader(tmp_path, records, "n:INT32", "bad_row_policy: SKIP")
    assert column(reader, "n") == [1, 3]
    assert reader.bad_rows() == 1


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    tfrecord_reader(tmp_path, [example(n=1)] * 3, "n:INT32")
    whole = (tmp_path / "rows.tfrecord").read_bytes()
    (tmp_path / "broken").write_bytes(whole[:-3])
    with pytest.raises(DataError, match="broken: error: the file is broken"):
        open_reader(pipeline("n:INT32", "", INPUT), str(tmp_path), training=True)
    (tmp_path / "broken").rename(tmp_path / "z")
    reader = open_reader(pipeline("n:INT32", "", INPUT), str(tmp_path), training=True)
    (problem,) = failure(reader, 2)[0].problems
    assert Path(problem.place.file).name == "z"


def test_no_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no rows"):
        tfrecord_reader(tmp_path, [], "n:INT32")


def test_a_field_that_no_record_holds_is_warned_about(tmp_path: Path, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        tfrecord_reader(tmp_path, [example(user_id=b"1")], "userid n:INT32")
    assert "userid: none of the first" in caplog.text
    assert "nearest:  user_id" in caplog.text
