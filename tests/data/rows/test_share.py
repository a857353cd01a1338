"""Workers that share rows read what one process reads; those that share files read all once."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from easyrec_lite.config import loads
from easyrec_lite.core.errors import DataError
from easyrec_lite.data.readers.base import Reader, open_reader
from easyrec_lite.data.rows.share import Share
from easyrec_lite.models.assembly import build
from easyrec_lite.training.input import BatchInput, ReadPlan
from tests.config.base_config import LISTWISE
from tests.data.cache import rows as cached
from tests.data.reading import column, failure, pipeline, read
from tests.data.rows.test_order import ROWS, parts, write_csv, write_parquet, write_tfrecord

ORDER = {"epochs": 2, "shuffle": True, "seed": 5}
GOOD = [row for row in ROWS if row % 6 != 3]
WINDOW = "shuffle_buffer_size: 7"
SKIP = "bad_row_policy: SKIP with_header: true"


def write_packed(folder: Path) -> None:
    """Files with a header, some compressed."""
    for number, rows in enumerate(parts()):
        text = "row\n" + "".join(f"{row}\n" for row in rows)
        packed = gzip.compress(text.encode()) if number % 2 else text.encode()
        (folder / f"{number}.csv").write_bytes(packed)


def write_bad(folder: Path) -> None:
    """A file of 53 rows with a header, nine of them bad."""
    lines = (str(row) if row in GOOD else "bad" for row in ROWS)
    (folder / "rows.csv").write_text("\n".join(["row", *lines]))


FORMATS: dict[str, tuple[str, str, Callable[[Path], None]]] = {
    "packed": ("CSVInput", "with_header: true", write_packed),
    "bad": ("CSVInput", SKIP, write_bad),
    "parquet": ("ParquetInput", "", write_parquet),
    "tfrecord": ("TFRecordInput", "", write_tfrecord),
}
Opener = Callable[..., Reader]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are handled 14 at a time, gathered from a cache in blocks of a few batches."""
    monkeypatch.setattr("easyrec_lite.data.rows.order.CHUNK", 10)
    monkeypatch.setattr("easyrec_lite.data.cache.reading.BLOCK_ROWS", 50)


# Lines and records are shared alike, plain or compressed: two files of lines stand for all.
@pytest.fixture(params=["packed", "bad", "parquet"])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def shared(name: str, tmp_path: Path) -> Opener:
    """Opens the data of a format; arguments are those of `Share`."""
    kind, more, write = FORMATS[name]
    write(tmp_path)
    config = pipeline("row:INT64", f"{WINDOW} {more}", kind)

    def opened(*share: Any) -> Reader:
        return open_reader(config, str(tmp_path), training=True, share=Share(*share))

    return opened


def expected(whole: list[tuple[dict, tuple]], worker: int, count: int) -> list[tuple[list, tuple]]:
    """Returns (rows, position) of a worker, cut out of one process's batches."""
    found = []
    for columns, position in whole:
        rows = columns["row"]
        own = [
            row
            for at, row in enumerate(rows)
            if worker * len(rows) // count <= at < (worker + 1) * len(rows) // count
        ]
        found += [(own, position)] if own else []
    return found


def of_worker(reader: Reader, batch_size: int, **order: Any) -> list[tuple[list, tuple]]:
    return [(columns["row"], position) for columns, position in read(reader, batch_size, **order)]


def rows_of(batches: list[tuple[dict, tuple]]) -> list[int]:
    return [row for columns, _ in batches for row in columns["row"]]


@pytest.mark.parametrize(("count", "batch_size"), [(3, 4), (4, 1)])
def test_workers_cut_the_batches_of_one_process(
    shared: Opener, name: str, count: int, batch_size: int
) -> None:
    whole = read(shared(), count * batch_size, **ORDER)
    each = [of_worker(shared(w, count), batch_size, **ORDER) for w in range(count)]
    assert each == [expected(whole, w, count) for w in range(count)]
    rows = sorted(row for batches in each for own, _ in batches for row in own)
    assert rows == sorted(GOOD * 2 if name == "bad" else ROWS * 2)


def test_any_number_of_workers_goes_on_from_a_position(shared: Opener) -> None:
    whole = read(shared(), 12, **ORDER)
    for number, count, worker in ((1, 2, 1), (5, 4, 0)):
        start = {**ORDER, "start": whole[number][1]}
        rest = read(shared(), count * 3, **start)
        assert rows_of(rest) == rows_of(whole[number + 1 :])
        assert of_worker(shared(worker, count), 3, **start) == expected(rest, worker, count)


def test_a_start_may_be_a_tensor_of_a_traced_function(shared: Opener) -> None:
    start = tf.Variable([0, 0], dtype=tf.int64, trainable=False)
    reader = shared(1, 2)

    @tf.function
    def rest() -> tf.Tensor:
        batches = reader.batches(4, start=start, **ORDER)
        rows = batches.map(lambda columns, _: columns["row"]).unbatch()
        return rows.batch(200).get_single_element()

    for position in ((0, 20), (1, 52)):
        start.assign(position)
        assert rest().numpy().tolist() == column(reader, "row", start=position, **ORDER)


def test_fewer_rows_than_workers_at_the_end(shared: Opener) -> None:
    """Nothing is lost, and all workers' positions end with the data."""
    ((whole, end),) = of_worker(shared(), 100)
    position = of_worker(shared(), len(whole) - 2)[0][1]
    each = [of_worker(shared(worker, 4), 5, start=position) for worker in range(4)]
    assert each == [[], [([whole[-2]], end)], [], [([whole[-1]], end)]]


def test_drop_remainder_leaves_out_a_global_batch(shared: Opener) -> None:
    whole = read(shared(), 12, drop_remainder=True)
    for worker in (0, 2):
        found = of_worker(shared(worker, 3), 4, drop_remainder=True)
        assert found == expected(whole, worker, 3)
        assert {len(own) for own, _ in found} == {4}


def test_every_row_belongs_to_one_worker_and_none_has_many() -> None:
    for count in range(1, 9):
        for rows in range(1, 40):
            spans = [Share(worker, count).span(rows) for worker in range(count)]
            own = [at for first, last, real in spans if real for at in range(first, last)]
            assert own == list(range(rows))
            assert all(1 <= last - first <= -(-rows // count) for first, last, _ in spans)
            assert all(0 <= first < last <= rows for first, last, _ in spans)
            tensors = Share(count - 1, count).span(tf.constant(rows, tf.int64))
            assert [int(part) for part in tensors] == [int(part) for part in spans[-1]]


def test_a_batch_has_a_known_size_where_all_are_full(tmp_path: Path) -> None:
    write_csv(tmp_path)
    reader = open_reader(pipeline("row:INT64"), str(tmp_path), training=True, share=Share(2, 3))
    columns, _ = reader.batches(4, drop_remainder=True).element_spec
    assert columns["row"].shape == [4]


def test_a_row_is_parsed_by_its_worker_alone(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("0\n1\n2\nbad\n4\n5\n")
    readers = [
        open_reader(pipeline("row:INT64"), str(tmp_path), training=True, share=Share(worker, 3))
        for worker in range(3)
    ]
    assert column(readers[0], "row", 2) == [0, 1]
    assert column(readers[2], "row", 2) == [4, 5]
    error, _ = failure(readers[1], 2)
    assert error.problems[0].place.line == 4


# By file.


@pytest.mark.parametrize("name", ["parquet", "tfrecord"])
def test_by_file_everything_is_read_once(tmp_path: Path, name: str) -> None:
    kind, more, write = FORMATS[name]
    write(tmp_path)
    config = pipeline("row:INT64", f"{WINDOW} {more}", kind)
    shares = [Share(worker, 3, by_file=True) for worker in range(3)]
    readers = [open_reader(config, str(tmp_path), training=True, share=each) for each in shares]
    own = [[row for rows in parts()[worker::3] for row in rows] for worker in range(3)]
    assert [column(reader, "row") for reader in readers] == own
    found = read(readers[0], 5, **ORDER)
    rows, count = rows_of(found), len(own[0])
    assert (sorted(rows[:count]), sorted(rows[count:])) == (own[0], own[0])
    assert read(readers[0], 5, start=found[0][1], **ORDER) == found[1:]


def test_fewer_files_than_workers(tmp_path: Path) -> None:
    write_csv(tmp_path)
    with pytest.raises(DataError) as raised:
        open_reader(
            pipeline("row:INT64"), str(tmp_path), training=True, share=Share(0, 5, by_file=True)
        )
    (problem,) = raised.value.problems
    assert problem.message == "5 workers cannot share 4 data files"
    assert problem.path == "data_config.file_shard"
    assert "fewer workers" in problem.remedy


def test_the_log_says_who_reads_what(tmp_path: Path) -> None:
    write_csv(tmp_path)
    config = pipeline("row:INT64")
    said = [
        open_reader(config, str(tmp_path), training=True, share=share).describe()
        for share in (Share(), Share(1, 3), Share(1, 3, by_file=True))
    ]
    assert said == [
        "4 files, in order",
        "4 files, rows shared by 3 workers, in order",
        "1 file for worker 1 of 3, in order",
    ]


def test_there_is_no_such_worker() -> None:
    for index, count in ((1, 1), (-1, 2), (0, 0)):
        with pytest.raises(ValueError, match="no worker"):
            Share(index, count)


# Batches.


def write_rows(folder: Path, count: int, *cuts: int) -> Path:
    cached.write(folder, "CSVInput", cached.made(count), *cuts)
    return folder


def batch_input(folder: Path, cache: str = "mode: OFF", more: str = "", **share: Any) -> BatchInput:
    found = cached.pipeline("CSVInput", f"{WINDOW} {more}", cache, cached.SMALL)
    return cached.opened(found, folder, share=Share(**share))


def padded(source: BatchInput, size: int, take: int, **order: Any) -> list[tuple[Any, bool]]:
    found = source.padded(size, ReadPlan(**order)).take(take)
    return [(batch, bool(real)) for batch, real in found]


def ends(found: list[tuple[Any, bool]]) -> list[tuple[int, int]]:
    return [tuple(batch.position.numpy().tolist()) for batch, _ in found]


def test_by_row_all_workers_go_on_together(tmp_path: Path) -> None:
    """13 rows, three workers with 4 each: the last row is the third worker's."""
    folder = write_rows(tmp_path, 13)
    flags, positions = [], []
    for worker in range(3):
        source = batch_input(folder, index=worker, count=3)
        found = padded(source, 4, 4)
        flags.append([real for _, real in found])
        positions.append(ends(found))
        real = cached.as_bytes(batch for batch, real in found if real)
        assert real == cached.batches(source, 4)
        assert [len(batch.labels["clk"]) for batch, _ in found[:2]] == [4, 1]
        assert all(len(batch.labels["clk"]) for batch, _ in found)
    assert flags == [[True, False] + [False] * 2] * 2 + [[True, True] + [False] * 2]
    (_, (_, end)) = read(batch_input(folder).reader, 12)
    assert [each[1:] for each in positions] == [[end] * 3] * 3


def test_by_file_a_worker_whose_data_has_ended_goes_on(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, 20, 16)
    sources = [batch_input(folder, index=w, count=2, by_file=True) for w in range(2)]
    long, short = (padded(source, 5, 6) for source in sources)
    assert [real for _, real in long] == [True] * 4 + [False] * 2
    assert [real for _, real in short] == [True] + [False] * 5
    for source, found in zip(sources, (long, short), strict=True):
        batches = cached.batches(source, 5)
        assert cached.as_bytes(batch for batch, real in found if real) == batches
        reached = cached.positions(source, 5)[-1]
        assert ends(found)[len(batches) - 1 :] == [reached] * (7 - len(batches))


def test_a_worker_that_goes_on_from_its_end(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, 20, 16)
    source = batch_input(folder, index=1, count=2, by_file=True)
    (*_, end) = cached.positions(source, 5)
    found = padded(source, 5, 2, start=end)
    assert [real for _, real in found] == [False, False]
    assert ends(found) == [end] * 2


def test_a_worker_without_any_batch(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, 20, 16)
    source = batch_input(folder, index=1, count=2, by_file=True)
    with pytest.raises(DataError, match="worker 1 of 2 has no rows for even one batch"):
        source.padded(5, ReadPlan(), drop_remainder=True)


def test_a_bad_row_is_named_before_the_first_batch(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, 6)
    file = folder / "part-0"
    file.write_text("none" + file.read_text())
    with pytest.raises(DataError) as raised:
        batch_input(folder, index=0, count=2).padded(3, ReadPlan())
    assert raised.value.problems[0].place.line == 1


# With kept rows.


@pytest.mark.parametrize(("more", "worker"), [("", 1), ("bad_row_policy: SKIP", 0)])
def test_shares_of_kept_rows_are_the_same(tmp_path: Path, more: str, worker: int) -> None:
    folder = write_rows(tmp_path, 71, 40)
    if more:
        file = folder / "part-1"
        file.write_text("x" + file.read_text())
    order = {"epochs": 2, "shuffle": True, "seed": 4}
    cached.batches(batch_input(folder, "mode: ALWAYS", more), 8, **order)
    share = {"index": worker, "count": 2}
    source = batch_input(folder, "mode: AUTO", more, **share)
    plain = batch_input(folder, more=more, **share)
    wanted = cached.batches(plain, 8, start=(1, 30), **order)
    assert cached.batches(source, 8, start=(1, 30), **order) == wanted
    assert source.cached
    assert source.reader.bad_rows() == plain.reader.bad_rows() == (1 if more else 0)
    found = [padded(each, 8, 12, **order) for each in (source, plain)]
    assert found[0][-1][1] is False
    assert [real for _, real in found[0]] == [real for _, real in found[1]]
    assert ends(found[0]) == ends(found[1])
    first, second = (cached.as_bytes(batch for batch, _ in each) for each in found)
    assert first == second


def test_a_share_of_rows_builds_no_cache_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_rows(tmp_path, 20)
    caplog.set_level(logging.INFO)
    cached.batches(batch_input(folder, "mode: ALWAYS", index=0, count=2), 4, epochs=2)
    assert cached.caches(folder) == []
    (line,) = (record.message for record in caplog.records if "cache" in record.message)
    assert "one process" in line


def test_a_share_of_files_builds_its_own(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, 20, 9)
    share = {"index": 1, "count": 2, "by_file": True}
    order = {"epochs": 2, "shuffle": True, "seed": 4}
    wanted = cached.batches(batch_input(folder, **share), 4, **order)
    for _ in range(2):
        source = batch_input(folder, "mode: AUTO", **share)
        assert cached.batches(source, 4, **order) == wanted
        assert source.cached
    assert len(cached.caches(folder)) == 1


# Samplers.


def draws(folder: Path, **share: Any) -> list[list[bytes]]:
    """Returns the items that are sampled for each batch."""
    text = LISTWISE.replace("items.txt", str(folder / "items.txt"))
    parts = build(loads(text, "my.config"))
    source = BatchInput(
        parts.pipeline,
        str(folder / "train.csv"),
        parts.transform,
        ("item_id",),
        parts.candidate_features,
        training=True,
        share=Share(**share),
    )
    batches = source.batches(4, ReadPlan())
    return [batch.negative_extra["item_id"].numpy().tolist() for batch in source.read(batches)]


def test_workers_draw_items_of_their_own(tmp_path: Path) -> None:
    items = "".join(f"{item}\t1\t{item}:c:1.5\n" for item in range(500))
    (tmp_path / "items.txt").write_text("id:string\tweight:float\tattrs:string\n" + items)
    rows = "".join(f"1,u,a,t,3,{item},c,1.5\n" for item in range(16))
    (tmp_path / "train.csv").write_text(rows)
    one, *workers = draws(tmp_path), *(draws(tmp_path, index=w, count=2) for w in range(2))
    assert [len(found) for found in (one, *workers)] == [4, 2, 2]
    for first, second in zip(*workers, strict=True):
        assert len(set(first) & set(second)) < 8
    assert draws(tmp_path, index=1, count=2) == workers[1]


def test_draws_differ_by_position_and_worker() -> None:
    positions = [tf.constant(pair, tf.int64) for pair in ((0, 1), (0, 2), (1, 1), (2, 9))]
    draws = [tuple(Share(w, 3).draw(at).numpy().tolist()) for at in positions for w in range(3)]
    assert len(set(draws)) == 12
    assert all(Share().draw(position) is position for position in positions)


def test_a_worker_that_is_known_only_when_it_reads(tmp_path: Path) -> None:
    write_csv(tmp_path)
    worker = tf.Variable(0, dtype=tf.int64, trainable=False)

    @tf.function
    def rows() -> tuple[tf.Tensor, tf.Tensor]:
        share = Share(tf.identity(worker), 3)
        reader = open_reader(pipeline("row:INT64"), str(tmp_path), training=True, share=share)
        batches = reader.batches(4, **ORDER).map(lambda columns, _: columns["row"])
        return batches.unbatch().batch(200).get_single_element(), share.draw(
            tf.constant([5, 6], tf.int64)
        )

    for number in (2, 0):
        worker.assign(number)
        found, draw = rows()
        share = Share(number, 3)
        reader = open_reader(pipeline("row:INT64"), str(tmp_path), training=True, share=share)
        assert found.numpy().tolist() == column(reader, "row", **ORDER)
        assert draw.numpy().tolist() == [5, 6 * 3 + number]
