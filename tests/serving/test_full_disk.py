"""Whole runs and commands on disks without room: nothing half written stays, nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.faults.compare import differences
from easyrec_lite import build_index, evaluate, predict, recommend
from easyrec_lite import export as export_command
from easyrec_lite.core.errors import RunError
from easyrec_lite.data.cache import folders
from easyrec_lite.runs.estimator import Estimator
from easyrec_lite.serving.checksums import verify
from easyrec_lite.serving.manifest import exports, read_manifest
from easyrec_lite.training.checkpoint_files import checkpoint_paths
from easyrec_lite.training.checkpoint_reading import read_variables, variable_shapes
from tests.commands import Command
from tests.commands import run as run_command
from tests.disks import limit, mounted
from tests.serving import exported


def run(data: Path, model: Path) -> None:
    edits = {
        "model_dir": str(model),
        "train_config.num_steps": 2,
        "train_config.save_checkpoints_steps": 1,
        "train_config.log_step_count_steps": 1,
        "train_config.save_summary_steps": 1,
        "export_config.exporter_type": "latest",
        "data_config.cache.folder": str(model / "cache"),
    }
    Estimator(exported.pipeline(data, **edits)).train_and_evaluate()


def assert_whole(model: Path) -> None:
    """What has its final name can be read; nothing lies aside."""
    assert not [path.name for path in model.rglob(".*")]
    for prefix in checkpoint_paths(model):
        read_variables(prefix, list(variable_shapes(prefix)))
    for folder in exports(model / "export" / "latest"):
        files = read_manifest(folder)["files"]
        verify(folder, files, files)
    for cache in folders.caches(model / "cache"):
        assert isinstance(cache, folders.CacheEntry)
        cache.load()


def test_a_disk_that_fills_up_again_and_again(tmp_path: Path) -> None:
    """Each start fails later than the one before; with room the run is as one never stopped."""
    exported.write_data(tmp_path)
    run(tmp_path, tmp_path / "whole")
    with mounted(tmp_path / "disk") as disk:
        model = disk.folder / "model"
        reached = []
        for size in ("60k", "500k"):
            disk.set(f"size={size}")
            with pytest.raises(RunError) as caught:
                run(tmp_path, model)
            assert "No space left" in str(caught.value)
            assert_whole(model)
            reached.append(Path(caught.value.problems[0].place.file).name)
        disk.set("size=8m")
        run(tmp_path, model)
        assert_whole(model)
        found = differences(model, tmp_path / "whole")
    assert reached == ["model.ckpt-1", "1"]
    assert [line for line in found if not line.startswith("no event")] == []


def fails(command: Command, arguments: Sequence[object], capsys: pytest.CaptureFixture[str]) -> str:
    assert run_command(command, arguments) == 2
    printed = capsys.readouterr().err
    assert "Traceback" not in printed
    assert "it cannot be written" in printed
    return printed


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
@pytest.mark.parametrize("command", [predict, recommend])
def test_outputs(
    trained: Path,
    export: Path,
    tmp_path: Path,
    command: Command,
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / name
    flags = [f"--saved_model_dir={export}", f"--input_path={trained / 'rows.csv'}"]
    with limit(100):
        printed = fails(command, [*flags, f"--output_path={out}"], capsys)
    assert str(out) in printed
    assert list(tmp_path.iterdir()) == []


def test_an_export_and_a_result(
    trained: Path, export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Path(shutil.copytree(trained / "model", tmp_path / "model"))
    config = [f"--config={trained / 'tiny.config'}", f"--model_dir={model}"]
    before = (model / "eval_result.json").read_bytes()
    with limit(100):
        assert f"{model / 'new' / '5'}: " in fails(
            export_command, [*config, f"--export_dir={model / 'new'}"], capsys
        )
        assert "eval_result.json" in fails(evaluate, config, capsys)
    assert list((model / "new").iterdir()) == []
    assert (model / "eval_result.json").read_bytes() == before
    assert_whole(model)


def test_an_index(
    trained: Path, export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("faiss")
    model = Path(shutil.copytree(trained / "model", tmp_path / "model"))
    copied = model / "export" / "final" / "5"
    config = [f"--config={trained / 'tiny.config'}", f"--model_dir={model}"]
    with limit(100):
        index = fails(build_index, [*config, f"--saved_model_dir={copied}"], capsys)
    assert "item_index.faiss" in index
    assert read_manifest(copied) == read_manifest(export)
    assert_whole(model)
