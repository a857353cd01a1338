"""Data files that go, or become others, while they are read: an error by name at the next epoch."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from easyrec_lite.core.errors import DataError
from easyrec_lite.data.readers.base import Reader, open_reader
from easyrec_lite.data.readers.iterate import guarded
from tests.data.reading import failure, pipeline

KINDS = {"CSVInput": "csv", "gz": "csv.gz", "TFRecordInput": "tfrecord", "ParquetInput": "parquet"}


def write(path: Path, numbers: list[int]) -> None:
    """Writes rows of one column `n`, in the format that the name says."""
    text = "".join(f"{number}\n" for number in numbers).encode()
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"n": numbers}), path, row_group_size=50)
    elif path.suffix == ".tfrecord":
        with tf.io.TFRecordWriter(str(path)) as writer:
            for number in numbers:
                value = tf.train.Feature(int64_list=tf.train.Int64List(value=[number]))
                features = tf.train.Features(feature={"n": value})
                writer.write(tf.train.Example(features=features).SerializeToString())
    else:
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


def opened(folder: Path, kind: str) -> tuple[Reader, Path]:
    files = [folder / f"{name}.{KINDS[kind]}" for name in "ab"]
    for file in files:
        write(file, list(range(200)))
    input_type = "CSVInput" if kind == "gz" else kind
    return open_reader(pipeline("n:INT32", "", input_type), str(folder), training=True), files[1]


def vanish(path: Path) -> None:
    path.rename(path.with_name("moved"))


def grow(path: Path) -> None:
    write(path, list(range(201)))


def replace(path: Path) -> None:
    """The same size, another content."""
    status = path.stat()
    write(path, list(range(199, -1, -1)))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


CHANGES: dict[Callable[[Path], None], str] = {
    vanish: "no such file or folder",
    grow: "the file changed while the run reads it",
    replace: "the file changed while the run reads it",
}


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", CHANGES)
def test_between_epochs(
    tmp_path: Path, kind: str, change: Callable[[Path], None], shuffle: bool
) -> None:
    reader, file = opened(tmp_path, kind)
    batches = reader.batches(100, epochs=None, shuffle=shuffle)
    rows = guarded(reader, batches, lambda element: element[1])
    for _ in range(4):
        next(rows)
    change(file)
    with pytest.raises(DataError) as caught:
        read_on(rows)
    (problem,) = caught.value.problems
    assert (problem.place.file, problem.message) == (str(file), CHANGES[change])


def read_on(rows: Any) -> None:
    """Reads more than any buffer holds."""
    for _ in range(2000):
        next(rows)


@pytest.mark.parametrize("kind", KINDS)
def test_before_the_last_row(tmp_path: Path, kind: str) -> None:
    """One epoch: what was read is in doubt too when the file is another one at its end."""
    reader, file = opened(tmp_path, kind)
    grow(file)
    error, _ = failure(reader, 7)
    assert [problem.place.file for problem in error.problems] == [str(file)]
    assert "changed while the run reads it" in str(error)


def test_a_parquet_file_cut_off(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", list(range(200)))
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"b\.parquet: error: not a readable Parquet file"):
        open_reader(pipeline("n:INT32", "", "ParquetInput"), str(tmp_path), training=True)
