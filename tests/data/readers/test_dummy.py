from __future__ import annotations

import numpy as np

from easyrec_lite.data.readers.base import open_reader
from tests.data.reading import pipeline, read

FIELDS = "clk:INT32 id s:STRING f:FLOAT b:BOOL"


def open_dummy():
    config = pipeline(FIELDS, 'label_fields: "clk"', "DummyInput")
    return open_reader(config, "", training=True)


def test_one_batch_repeated() -> None:
    batches = read(open_dummy(), 64, epochs=3, seed=1)
    assert [position for _, position in batches] == [(0, 64), (1, 64), (2, 64)]
    assert batches[0][0] == batches[1][0] == batches[2][0]
    columns = batches[0][0]
    assert {len(column) for column in columns.values()} == {64}
    assert set(columns["clk"]) == {0, 1}
    assert len(set(columns["id"])) > 50
    assert all(0 <= int(text) < 1000 for text in columns["id"])


def test_the_seed_decides_and_positions_resume() -> None:
    first = read(open_dummy(), 8, epochs=4, seed=1)
    assert first == read(open_dummy(), 8, epochs=4, seed=1)
    assert first[0][0] != read(open_dummy(), 8, seed=2)[0][0]
    assert read(open_dummy(), 8, epochs=4, seed=1, start=first[1][1]) == first[2:]


def test_types() -> None:
    reader = open_dummy()
    columns, _ = next(iter(reader.batches(3, epochs=None)))
    assert all(columns[field.name].dtype == field.dtype for field in reader.fields)
    assert np.isfinite(columns["f"].numpy()).all()
