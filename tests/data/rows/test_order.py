"""Order is a function of (seed, epoch, row): the same for every format, resumable anywhere."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from easyrec_lite.data.readers.base import Reader, open_reader
from easyrec_lite.data.rows.order import SHUFFLE_WINDOW, RowOrder, ShuffleKeys, ordered
from tests.data.reading import column, pipeline, read

SIZES = (23, 1, 17, 12)
ROWS = list(range(sum(SIZES)))


def parts() -> list[list[int]]:
    ends = np.cumsum(SIZES)
    return [ROWS[end - size : end] for size, end in zip(SIZES, ends, strict=True)]


def write_csv(folder: Path) -> None:
    for number, rows in enumerate(parts()):
        (folder / f"{number}.csv").write_text("".join(f"{row}\n" for row in rows))


def write_parquet(folder: Path) -> None:
    for number, rows in enumerate(parts()):
        pq.write_table(pa.table({"row": rows}), folder / f"{number}.parquet", row_group_size=5)


def write_tfrecord(folder: Path) -> None:
    for number, rows in enumerate(parts()):
        with tf.io.TFRecordWriter(str(folder / f"{number}.tfrecord")) as writer:
            for row in rows:
                value = tf.train.Feature(int64_list=tf.train.Int64List(value=[row]))
                features = tf.train.Features(feature={"row": value})
                writer.write(tf.train.Example(features=features).SerializeToString())


WRITERS = {
    "CSVInput": write_csv,
    "CSVInputEx": write_csv,
    "ParquetInput": write_parquet,
    "TFRecordInput": write_tfrecord,
}


@pytest.fixture(params=WRITERS)
def reader(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch) -> Reader:
    """53 rows in four files, shuffled in windows of 7 that are handled 14 at a time."""
    monkeypatch.setattr("easyrec_lite.data.rows.order.CHUNK", 10)
    WRITERS[request.param](tmp_path)
    config = pipeline("row:INT64", "shuffle_buffer_size: 7", request.param)
    return open_reader(config, str(tmp_path), training=True)


def test_unshuffled_rows_stand_as_in_the_files(reader: Reader) -> None:
    assert column(reader, "row") == ROWS
    assert column(reader, "row", epochs=2) == ROWS * 2


def test_batches_span_epochs(reader: Reader) -> None:
    batches = read(reader, 20, epochs=3)
    assert [len(columns["row"]) for columns, _ in batches] == [20] * 7 + [19]
    ends = [divmod(min(20 * n, 159) - 1, 53) for n in range(1, 9)]
    assert [position for _, position in batches] == [(epoch, row + 1) for epoch, row in ends]


def test_drop_remainder(reader: Reader) -> None:
    sizes = [len(columns["row"]) for columns, _ in read(reader, 20, epochs=3, drop_remainder=True)]
    assert sizes == [20] * 7


def test_a_shuffled_epoch_is_a_permutation_of_its_own(reader: Reader) -> None:
    rows = column(reader, "row", epochs=3, shuffle=True, seed=5)
    epochs = [rows[first : first + 53] for first in (0, 53, 106)]
    assert all(sorted(epoch) == ROWS for epoch in epochs)
    assert epochs[0] != ROWS
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_the_seed_decides(reader: Reader) -> None:
    first = column(reader, "row", shuffle=True, seed=5)
    assert first == column(reader, "row", batch_size=11, shuffle=True, seed=5)
    assert first != column(reader, "row", shuffle=True, seed=6)
    assert first != column(reader, "row", shuffle=True, seed=5 + 2**40)


def test_the_global_seed_of_tensorflow_changes_nothing(reader: Reader) -> None:
    first = column(reader, "row", shuffle=True, seed=5)
    tf.random.set_seed(3)
    assert first == column(reader, "row", shuffle=True, seed=5)


@pytest.mark.parametrize("shuffle", [False, True])
def test_any_position_resumes_the_same_stream(reader: Reader, shuffle: bool) -> None:
    whole = column(reader, "row", epochs=3, shuffle=shuffle, seed=2)
    random = np.random.default_rng(1)
    starts = [(0, 53), (2, 53), (2, 52)]
    starts += [(int(random.integers(3)), int(random.integers(54))) for _ in range(2)]
    for epoch, row in starts:
        tail = column(reader, "row", epochs=3, shuffle=shuffle, seed=2, start=(epoch, row))
        assert tail == whole[epoch * 53 + row :], (epoch, row)


def test_the_position_of_each_batch_continues_with_the_next(reader: Reader) -> None:
    batches = read(reader, 9, epochs=2, shuffle=True, seed=8)
    for number in (4, len(batches) - 1):
        rest = read(reader, 9, epochs=2, shuffle=True, seed=8, start=batches[number][1])
        assert rest == batches[number + 1 :]


def test_epochs_without_end(reader: Reader) -> None:
    endless = reader.batches(53, epochs=None, start=(1000, 0)).take(3)
    assert [tuple(position.numpy()) for _, position in endless] == [
        (1000, 53),
        (1001, 53),
        (1002, 53),
    ]


def test_rows_stay_in_their_window_and_windows_are_well_mixed() -> None:
    source = tf.data.Dataset.from_tensor_slices(tf.strings.as_string(tf.range(10_000)))
    order = RowOrder(seed=1, window=100)
    nothing = tf.data.Dataset.from_tensors([""]).take(0)
    chunks = list(ordered(lambda epoch: source, order, nothing).as_numpy_iterator())
    rows = np.concatenate([chunk[0] for chunk in chunks]).astype(int)
    assert (rows // 100 == np.arange(10_000) // 100).all()
    shift = rows - np.arange(10_000)
    assert abs(np.corrcoef(rows % 100, np.arange(10_000) % 100)[0, 1]) < 0.05
    assert np.abs(shift).mean() == pytest.approx(100 / 3, rel=0.1)


def test_the_default_window_is_large(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("".join(f"{row}\n" for row in range(20_000)))
    reader = open_reader(pipeline("row:INT64"), str(tmp_path), training=True)
    rows = np.array(column(reader, "row", 5000, shuffle=True))
    assert abs(np.corrcoef(rows, np.arange(20_000))[0, 1]) < 0.05
    assert f"{SHUFFLE_WINDOW:,} rows" in reader.describe()


def test_files_are_shuffled_too(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}.csv").write_text(f"{number}\n")
    reader = open_reader(
        pipeline("row:INT64", "shuffle_buffer_size: 1"), str(tmp_path), training=True
    )
    rows = column(reader, "row", shuffle=True)
    assert rows != list(range(20))
    assert sorted(rows) == list(range(20))


def test_compressed_and_plain_files_mix(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"1\n2\n")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"3\n4"))
    reader = open_reader(pipeline("row:INT64"), str(tmp_path), training=True)
    assert column(reader, "row") == [1, 2, 3, 4]


@pytest.mark.parametrize(("window", "count"), [(0, 5), (7, 50), (1 << 17, 3000)])
def test_known_rows_are_those_of_the_graph(window: int, count: int) -> None:
    order = RowOrder(seed=6, window=window)
    number = tf.constant(count, tf.int64)
    expected = order.rows(tf.constant(2), tf.constant(1), number).numpy().tolist()
    assert order.known_rows(2, 1, count).tolist() == expected
    assert sorted(expected) == list(range(count))


@pytest.mark.parametrize(
    ("count", "window"),
    [(1, 1), (2, 1), (14, 7), (1 << 17, 1 << 17), (1 << 13, 2), (1 << 31, 1 << 31)],
)
def test_keys_fit_into_64_bits(count: int, window: int) -> None:
    keys = ShuffleKeys(count, window)
    assert keys.of(count - 1, keys.random - 1) < 2**63
    assert keys.order(np.array([keys.random - 1])).tolist() == [0]
    assert keys.of(count - 1, 0) & keys.row_mask == count - 1
    assert keys.random >= 1 << 31


def test_keys_order_by_window_then_random_number_then_row() -> None:
    random = np.random.default_rng(0)
    keys = ShuffleKeys(1000, 30)
    draw = random.integers(0, 9, 1000)
    expected = sorted(range(1000), key=lambda row: (row // 30, draw[row], row))
    assert keys.order(draw).tolist() == expected
