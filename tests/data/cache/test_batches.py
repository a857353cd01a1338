"""Batches are the same, bit for bit, without a cache, while it is built, and out of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from easyrec_lite.core.errors import DataError
from easyrec_lite.data.readers.base import open_reader
from tests.data.cache.rows import (
    SMALL,
    WRITERS,
    batches,
    caches,
    made,
    opened,
    pipeline,
    positions,
    write,
)

OFF = "mode: OFF"
WINDOW = "shuffle_buffer_size: 7"
SIZED = SMALL + 'features { input_names: "size" feature_type: RawFeature }'


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are handled 14 at a time, gathered in blocks of two batches or three."""
    monkeypatch.setattr("easyrec_lite.data.rows.order.CHUNK", 10)
    monkeypatch.setattr("easyrec_lite.data.cache.reading.BLOCK_ROWS", 50)


@pytest.mark.parametrize("kind", WRITERS)
def test_every_kind_of_feature_in_every_format(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "手机"
    write(folder, kind, made(100), 30, 31)
    order = {"epochs": 3, "shuffle": True, "seed": 5}
    expected = batches(opened(pipeline(kind, WINDOW, OFF), folder), 16, **order)
    assert caches(folder) == []
    assert batches(opened(pipeline(kind, WINDOW), folder), 16, **order) == expected
    assert len(caches(folder)) == 1
    source = opened(pipeline(kind, WINDOW), folder)
    assert batches(source, 16, **order) == expected
    assert source.cached
    assert len(expected) == 19


@pytest.mark.parametrize("kind", WRITERS)
def test_records_are_numbered_as_they_are_read(tmp_path: Path, kind: str) -> None:
    """A reader's `records` name the rows that its `numbered` batches bring."""
    rows = made(60)
    write(tmp_path, kind, [{**row, "user": number} for number, row in enumerate(rows)], 23, 24)
    reader = open_reader(pipeline(kind, WINDOW), str(tmp_path), training=True, columns=["user"])
    order = reader.begin(epochs=2, start=(0, 11), shuffle=True, seed=2)
    found = list(reader.numbered(order, 9, False))
    users, epochs, places = (
        np.concatenate(parts)
        for parts in zip(*((c["user"], e, r) for c, (e, r, *_) in found), strict=True)
    )
    number_of = {}
    for run in reader.records(order, reader.sizes()[0]):
        for at, record in enumerate(run.records):
            number_of[run.epoch, run.first + at] = int(record)
    said = [number_of[int(e), int(r)] for e, r in zip(epochs, places, strict=True)]
    # Records that are no rows (blank lines) have numbers too, so the users are those in rank order.
    assert len(said) == len(users) >= 60
    rank = {record: place for place, record in enumerate(sorted(set(said)))}
    assert [rank[record] for record in said] == users.tolist()


def test_in_order_with_a_smaller_last_batch_and_without(tmp_path: Path) -> None:
    write(tmp_path, "CSVInput", made(37), 20)
    for size, drop in ((10, False), (10, True), (50, False), (37, True)):
        order = {"epochs": 2, "shuffle": False}
        plain = opened(pipeline("CSVInput", cache=OFF, features=SMALL), tmp_path)
        source = opened(pipeline("CSVInput", features=SMALL), tmp_path)
        assert batches(source, size, drop, **order) == batches(plain, size, drop, **order)
    assert source.cached


@pytest.mark.parametrize("number", [1, 5, 20])
def test_any_position_resumes(tmp_path: Path, number: int) -> None:
    """In the epoch that is kept, in a later one, and at once out of the cache."""
    write(tmp_path, "CSVInput", made(53), 23, 24, 41)
    config = pipeline("CSVInput", WINDOW, features=SMALL)
    plain = opened(pipeline("CSVInput", WINDOW, OFF, features=SMALL), tmp_path)
    order = {"epochs": 4, "shuffle": True, "seed": 8}
    start = positions(plain, 9, **order)[number]
    expected = batches(plain, 9, start=start, **order)
    building = opened(config, tmp_path)
    assert batches(building, 9, start=start, **order) == expected
    assert len(caches(tmp_path)) == (start[0] < 2)
    batches(opened(config, tmp_path), 9, epochs=2)
    source = opened(config, tmp_path)
    assert batches(source, 9, start=start, **order) == expected
    assert source.cached


def test_the_order_of_the_epoch_that_was_kept_does_not_matter(tmp_path: Path) -> None:
    write(tmp_path, "CSVInput", made(53), 23)
    batches(opened(pipeline("CSVInput", features=SMALL), tmp_path), 53, epochs=2)
    for order in ({"shuffle": True, "seed": 1}, {"epochs": 2, "start": (1, 50)}, {}):
        plain = opened(pipeline("CSVInput", WINDOW, OFF, features=SMALL), tmp_path)
        source = opened(pipeline("CSVInput", WINDOW, features=SMALL), tmp_path)
        assert batches(source, 8, **order) == batches(plain, 8, **order)
        assert source.cached


@pytest.mark.parametrize("count", [1, 2])
def test_data_smaller_than_a_batch(tmp_path: Path, count: int) -> None:
    write(tmp_path, "CSVInput", made(count, seed=3))
    order = {"epochs": 9, "shuffle": True}
    plain = opened(pipeline("CSVInput", cache=OFF, features=SMALL), tmp_path)
    config = pipeline("CSVInput", features=SMALL)
    expected = batches(plain, 4, **order)
    assert batches(opened(config, tmp_path), 4, **order) == expected
    source = opened(config, tmp_path)
    assert batches(source, 4, **order) == expected
    assert source.cached


def test_data_without_rows(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    config = pipeline("CSVInput", features=SMALL)
    source = opened(config, tmp_path, training=False, again=True)
    assert batches(source, 4) == batches(source, 4) == []
    with pytest.raises(DataError, match="no rows"):
        opened(config, tmp_path)
    assert caches(tmp_path) == []


def test_evaluation_is_kept_by_its_first_pass(tmp_path: Path) -> None:
    write(tmp_path, "CSVInput", made(30), 7)
    plain = opened(pipeline("CSVInput", cache=OFF, features=SMALL), tmp_path, training=False)
    config = pipeline("CSVInput", features=SMALL)
    expected = batches(plain, 8)
    once = opened(config, tmp_path, training=False)
    assert batches(once, 8) == expected
    assert caches(tmp_path) == []
    source = opened(config, tmp_path, training=False, again=True)
    assert batches(source, 8) == expected
    assert source.cached
    assert batches(source, 8) == expected
    limited = opened(config, tmp_path, training=False, again=True)
    plain_first = batches(plain, 8, limit=11)
    assert batches(limited, 8, limit=11) == plain_first
    assert not limited.cached


@pytest.mark.parametrize("kind", ["CSVInput", "ParquetInput"])
def test_bad_rows_are_left_out_and_counted_alike(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    rows = made(50)
    if kind == "CSVInput":
        for at in (3, 20, 49):
            rows[at]["user"] = "no number"
        write(tmp_path, kind, rows, 23)
    else:
        for at in (3, 20, 49):
            rows[at]["size"] = float("nan")
        write(tmp_path, kind, rows, 23)
    more = WINDOW + " bad_row_policy: SKIP max_bad_rows: 3"
    order = {"epochs": 3, "shuffle": True, "seed": 2}
    said, found = [], []
    features = SMALL if kind == "CSVInput" else SIZED
    for cache in (OFF, "", ""):
        caplog.clear()
        source = opened(pipeline(kind, more, cache, features=features), tmp_path)
        found.append(batches(source, 10, **order))
        assert source.reader.bad_rows() == 3
        said.append([r.getMessage() for r in caplog.records if "bad row" in r.getMessage()])
    assert source.cached
    assert found[0] == found[1] == found[2]
    assert len(said[0]) == 3
    assert said[0] == said[1] == said[2]
    fewer = opened(pipeline(kind, more.replace("3", "2"), features=features), tmp_path)
    with pytest.raises(DataError, match="more than 2 bad rows"):
        batches(fewer, 10, **order)


def test_a_bad_row_that_stops_is_named_while_building(tmp_path: Path) -> None:
    rows = made(20)
    rows[7]["user"] = "no number"
    write(tmp_path, "CSVInput", rows)
    with pytest.raises(DataError, match=r"part-0:9: error: user: 'no number'"):
        batches(opened(pipeline("CSVInput", features=SMALL), tmp_path), 4, epochs=2)
    assert caches(tmp_path) == []
