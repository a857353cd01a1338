"""Studies of a fake `train`, whose metric is known for each learning rate."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from easyrec_lite.tuning.parse import parse_flags
from easyrec_lite.tuning.request import Request
from easyrec_lite.tuning.run import tune
from easyrec_lite.tuning.study import Study, TrialRow
from tests.tuning import fake_train

CONFIG = "sequence_match_on_movielens.config"
OPTIMIZER = "train_config.optimizer_config[0].adam_optimizer"
RATE = f"{OPTIMIZER}.learning_rate.constant_learning_rate.learning_rate"
HEADS = "model_config.sequence_match.num_heads"
DOES = "train_config.log_step_count_steps"
# The config has 2 heads: its own settings are not in this space.
SEARCH = (f"{RATE}=log(1e-5, 1)", f"{HEADS}=choice(1, 4)")
FAKE = (sys.executable, fake_train.__file__)


def request(folder: Path, search: Sequence[str] = SEARCH, **more: Any) -> Request:
    """Returns a request for a study in `folder`."""
    values = {"edits": {}, "trials": 3, "pruner": "none", "command": FAKE, "poll_seconds": 0.02}
    values |= more
    return Request(CONFIG, space=parse_flags(search), study_dir=str(folder), **values)


def run(folder: Path, search: Sequence[str] = SEARCH, **more: Any) -> int:
    """Runs or continues a study and returns its exit code."""
    return tune(request(folder, search, **more))


def rows(folder: Path, search: Sequence[str] = SEARCH) -> list[TrialRow]:
    """Returns the trials in a folder."""
    path = folder / "study.journal"
    return Study(path, parse_flags(search), True, 0, "none", 1).rows()


def edits(folder: Path, number: int) -> dict[str, Any]:
    """Returns the edits that a trial was started with."""
    return json.loads((folder / "trials" / str(number) / "edits.json").read_text("utf-8"))


def files(folder: Path, pattern: str) -> set[str]:
    """Returns the numbers of the trials that have a file of a name."""
    return {path.relative_to(folder / "trials").parts[0] for path in folder.rglob(pattern)}
