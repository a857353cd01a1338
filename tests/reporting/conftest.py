"""A model folder made up by hand, and one trained in six steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from easyrec_lite.config import Pipeline
from easyrec_lite.runs.estimator import Estimator
from tests.reporting import made


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """A config whose model folder is there, and empty."""
    found = made.config(tmp_path)
    Path(found.config.model_dir).mkdir()
    return found


@pytest.fixture
def full(pipeline: Pipeline) -> Pipeline:
    """A config whose model folder holds every file but checkpoints and exports."""
    made.fill(Path(pipeline.config.model_dir))
    return pipeline


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The config of a finished run."""
    folder = tmp_path_factory.mktemp("report")
    made.write_data(folder)
    pipeline = made.config(
        folder,
        train_config__num_steps=6,
        train_config__log_step_count_steps=1,
        train_config__save_checkpoints_steps=3,
    )
    Estimator(pipeline).train_and_evaluate()
    return pipeline
