"""One export for all tests of serving."""

from __future__ import annotations

from pathlib import Path

import pytest

from easyrec_lite.runs.estimator import Estimator
from tests.serving import exported


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, a trained model in `model`, and its export."""
    folder = tmp_path_factory.mktemp("serving")
    exported.write_data(folder)
    Estimator(exported.pipeline(folder)).train_and_evaluate()
    return folder


@pytest.fixture(scope="session")
def export(trained: Path) -> Path:
    """The export that training ends with."""
    return trained / "model" / "export" / "final" / "5"
