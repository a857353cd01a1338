"""Fields that folders hold are cached as other fields; a renamed folder is other data."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.cache.rows import SMALL, batches, made, opened, pipeline, write

FIELD = 'input_fields { input_name: "dt" input_type: INT64 }'
FEATURES = SMALL + 'features { input_names: "dt" feature_type: RawFeature }'


@pytest.mark.parametrize("kind", ["CSVInput", "ParquetInput"])
def test_values_of_folders(tmp_path: Path, kind: str) -> None:
    config, plain = (pipeline(kind, FIELD, cache, FEATURES) for cache in ("", "mode: OFF"))
    write(tmp_path / "dt=1", kind, made(20))
    write(tmp_path / "dt=2", kind, made(20, 1))
    order = {"epochs": 2, "shuffle": True}
    expected = batches(opened(plain, tmp_path), 16, **order)
    assert batches(opened(config, tmp_path), 16, **order) == expected
    source = opened(config, tmp_path)
    assert batches(source, 16, **order) == expected
    assert source.cached
    (tmp_path / "dt=2").rename(tmp_path / "dt=3")
    found = batches(opened(config, tmp_path), 16, **order)
    assert found == batches(opened(plain, tmp_path), 16, **order)
    assert found != expected
