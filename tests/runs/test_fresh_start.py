"""`--continue_train=false` renames a model folder, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from easyrec_lite.config import Pipeline, loads
from easyrec_lite.core.errors import ConfigError, RunError
from easyrec_lite.runs.fresh_start import set_aside
from tests.children import started
from tests.config.base_config import POINTWISE, replaced
from tests.core.test_locks import HOLD


def pipeline(folder: Path, data: str = "elsewhere/train.csv") -> Pipeline:
    text = replaced(POINTWISE, 'model_dir: "run"', f'model_dir: "{folder}"')
    return loads(replaced(text, '"train.csv"', f'"{data}"'), "my.config")


def refused(made: Pipeline, *words: object) -> None:
    before = sorted(Path(made.config.model_dir).iterdir())
    with pytest.raises(ConfigError) as caught:
        set_aside(made)
    for word in ("model_dir", "my.config", *words):
        assert str(word) in str(caught.value)
    assert sorted(Path(made.config.model_dir).iterdir()) == before


def test_a_model_folder_is_renamed_and_nothing_is_lost(tmp_path: Path) -> None:
    for number, sign in enumerate(["pipeline.config", "model.ckpt-7.index"], 1):
        folder = tmp_path / "model"
        folder.mkdir()
        (folder / sign).write_text(sign)
        set_aside(pipeline(folder))
        assert not folder.exists()
        assert (tmp_path / f"model.old-{number}" / sign).read_text() == sign


def test_without_a_run_there_is_nothing_to_rename(tmp_path: Path) -> None:
    set_aside(pipeline(tmp_path / "none"))
    (tmp_path / "model").mkdir()
    set_aside(pipeline(tmp_path / "model"))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_that_is_no_model_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    refused(pipeline(tmp_path), "not a model folder", "thesis.tex")


@pytest.mark.parametrize("data", ["train.csv", "day*/*.csv", "other.csv,{}/train.csv"])
def test_a_folder_with_the_training_data_stays(tmp_path: Path, data: str) -> None:
    (tmp_path / "pipeline.config").touch()
    data = data.format(tmp_path) if "{}" in data else f"{tmp_path}/{data}"
    refused(pipeline(tmp_path, data), "train_input_path", data.split(",")[-1])


def test_the_current_folder_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pipeline.config").touch()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    refused(pipeline(tmp_path), "current folder")
    monkeypatch.chdir(tmp_path)
    refused(pipeline(Path()), "current folder")


def test_a_folder_in_use_is_not_renamed(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    process = started(HOLD, folder)
    (folder / "model.ckpt-1.index").touch()
    with pytest.raises(RunError, match=f"process {process.pid} "):
        set_aside(pipeline(folder))
    assert (folder / "model.ckpt-1.index").exists()
    process.kill()
    process.communicate()
    set_aside(pipeline(folder))
    assert not folder.exists()
    assert (tmp_path / "model.old-1" / "model.ckpt-1.index").exists()
