"""What every command says of its config's warnings."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from easyrec_lite.config import Pipeline
from easyrec_lite.config.load import load
from easyrec_lite.core.errors import Place, Problem
from easyrec_lite.protos.messages import EasyRecConfig
from easyrec_lite.runs.process import shown_warnings, threads
from tests.config.base_config import POINTWISE

FLAG = Problem("no effect", Place("--edit_config_json"), severity="warning")


def warned(file: Path, model_dir: Path, count: int) -> Pipeline:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(POINTWISE, encoding="utf-8")
    pipeline = load(str(file), {"model_dir": str(model_dir)})
    own = [
        Problem(f"odd {n}", Place(str(file), n), severity="warning") for n in range(1, count + 1)
    ]
    return dataclasses.replace(pipeline, warnings=(*own, FLAG))


@pytest.mark.parametrize("name", ["my.config", "pipeline.config"])
def test_a_users_config_has_all_of_them_shown(name: str, tmp_path: Path) -> None:
    pipeline = warned(tmp_path / name, tmp_path / "model", 2)
    assert shown_warnings(pipeline) == [str(warning) for warning in pipeline.warnings]


def test_a_users_config_in_its_model_folder_too(tmp_path: Path) -> None:
    pipeline = warned(tmp_path / "my.config", tmp_path, 1)
    assert shown_warnings(pipeline) == [str(warning) for warning in pipeline.warnings]


@pytest.mark.parametrize("below", [".", "export/final/10"])
def test_those_of_a_runs_config_are_counted_and_those_of_flags_shown(
    below: str, tmp_path: Path
) -> None:
    file = tmp_path / "model" / below / "pipeline.config"
    flag, line = shown_warnings(warned(file, tmp_path / "model", 2))
    assert flag == str(FLAG)
    assert line.startswith(f"{file}: 2 warnings")
    assert line.endswith(f"python -m easyrec_lite.check --config {file}")
    assert "1 warning," in shown_warnings(warned(file, tmp_path / "model", 1))[1]
    assert shown_warnings(warned(file, tmp_path / "model", 0)) == [str(FLAG)]


def test_keras_loads_no_plots_and_wrappers_but_a_report_still_can() -> None:
    code = """
import sys
from easyrec_lite.runs.process import NOT_NEEDED, load_tensorflow
load_tensorflow()
print([name for name in sys.modules if name.split(".")[0] in NOT_NEEDED])
import matplotlib, sklearn
"""
    # Tests of commands in this process may have set the level of TensorFlow's log.
    env = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("[]\n", "", 0)


@pytest.mark.parametrize(
    ("cores", "training", "asked", "expected"),
    [
        (2, True, (0, 0), (2, 1)),
        (2, False, (0, 0), (0, 0)),
        (1, True, (0, 0), (0, 0)),
        (8, True, (0, 0), (0, 0)),
        (2, True, (3, 0), (3, 0)),
        (2, True, (0, 2), (0, 2)),
    ],
)
def test_threads_on_two_cores_are_chosen_unless_the_config_says(
    monkeypatch: pytest.MonkeyPatch,
    cores: int,
    training: bool,
    asked: tuple[int, int],
    expected: tuple[int, int],
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    config = EasyRecConfig().train_config
    config.inter_op_parallelism_threads, config.intra_op_parallelism_threads = asked
    assert threads(config, training) == expected
