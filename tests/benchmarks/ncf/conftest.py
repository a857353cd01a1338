from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.ncf import synthetic
from benchmarks.ncf.data import Data, prepare


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    synthetic.write(folder)
    return folder


@pytest.fixture(scope="session")
def data(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Data:
    return prepare(raw, tmp_path_factory.mktemp("made") / "rows")


@pytest.fixture(scope="session")
def real(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Data:
    return prepare(shared_data / "ml-1m", tmp_path_factory.mktemp("real") / "rows")
