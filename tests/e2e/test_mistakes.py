"""A newcomer's mistakes, and what is read on the screen about each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from easyrec_lite import evaluate, train
from easyrec_lite.config.load import find
from easyrec_lite.datasets import __main__ as datasets
from easyrec_lite.runs import evaluate as runs_evaluate
from tests import commands
from tests.commands import call
from tests.disks import limit
from tests.e2e.running import LISTWISE, few_features

SHIPPED = find("dssm_senet_on_taobao")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows") / "data"
    flags = ["taobao-synthetic", "--rows", "3000", "--users", "200", "--items", "300"]
    call(datasets, [*flags, "--out", str(folder)])
    return folder


Read = Callable[..., str]


@pytest.fixture
def read(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Read:
    """Returns a function: what a failing `train` prints, by flags and edited config text."""

    def run(*flags: str, replace: tuple[str, str] = ("", "")) -> str:
        text = SHIPPED.read_text(encoding="utf-8")
        assert replace[0] in text
        config = tmp_path / "my.config"
        config.write_text(text.replace(*replace, 1), encoding="utf-8")
        paths = [
            f"--train_input_path={data / 'train_clicked.csv'}",
            f"--eval_input_path={data / 'test_clicked.csv'}",
            f"--model_dir={tmp_path / 'model'}",
            f"--data_config.negative_sampler.input_path={data / 'items.txt'}",
            "--data_config.batch_size=64",
            "--data_config.negative_sampler.num_sample=64",
            "--train_config.num_steps=2",
        ]
        chosen = [
            path for path in paths if path.split("=")[0] not in {f.split("=")[0] for f in flags}
        ]
        code = commands.run(train, [f"--config={config}", *chosen, *flags])
        printed = capsys.readouterr()
        assert code == 2, printed
        assert "Traceback" not in printed.err
        return printed.err

    return run


def line_of(text: str) -> int:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("num_steps", "num_stpes", ["num_stpes", "nearest:  num_steps"]),
        ('feature_names: "user_id"', 'feature_names: "userid"', ["userid", "nearest:  user_id"]),
        ('model_class: "DSSM_SENet"', 'model_class: "DSMM"', ["DSMM", "nearest:  DSSM"]),
        (
            'input_names: "adgroup_id" feature_type: IdFeature embedding_dim: 16',
            'input_names: "adgroup_id" feature_type: IdFeature embedding_dim: 15',
            ["adgroup_id", "15", "num_squeeze_group"],
        ),
        ("adam_optimizer", "adam_optimiser", ["adam_optimiser", "nearest:  adam_optimizer"]),
    ],
)
def test_mistakes_in_the_config(read: Read, old: str, new: str, expected: list[str]) -> None:
    shown = read(replace=(old, new))
    for words in expected:
        assert words in shown
    if "squeeze" not in expected[-1]:
        assert f"my.config:{line_of(old)}:" in shown


def test_several_mistakes_are_told_at_once(read: Read) -> None:
    shown = read("--data_config.label_fields=clicked", replace=("num_steps", "num_stpes"))
    assert "num_stpes" in shown
    assert "clicked" in shown


def test_missing_data(read: Read, data: Path) -> None:
    shown = read(f"--train_input_path={data / 'train_clickd.csv'}")
    assert "train_clickd.csv" in shown
    assert "train_clicked.csv" in shown.split("nearest:")[1]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda cells: cells[:-1], ["columns", "19", "20"]),
        (lambda cells: ["notanint", *cells[1:]], ["notanint", "clk", "INT32"]),
    ],
)
def test_a_bad_row_is_named(
    read: Read, data: Path, tmp_path: Path, change: Callable, expected: list[str]
) -> None:
    rows = (data / "train_clicked.csv").read_text(encoding="utf-8").splitlines()[:200]
    rows[122] = ",".join(change(rows[122].split(",")))
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join(rows) + "\n", encoding="utf-8")
    few = f"--edit_config_json={json.dumps(few_features())}"
    shown = read(f"--train_input_path={bad}", "--train_config.num_steps=20", few)
    assert f"{bad}:123" in shown
    for words in expected:
        assert words in shown


def test_empty_data(read: Read, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    shown = read(f"--train_input_path={empty}")
    assert str(empty) in shown
    assert "no rows" in shown or "empty" in shown


def test_a_config_that_is_not_utf8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "gbk.config"
    config.write_bytes("# 配置\nmodel_dir: 'x'\n".encode("gbk"))
    assert commands.run(train, [f"--config={config}"]) == 2
    shown = capsys.readouterr().err
    assert f"{config}:1:3" in shown
    assert "UTF-8" in shown


def test_an_item_table_that_is_not_there_is_told_at_once(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before TensorFlow is loaded, and before a checkpoint is looked for."""
    monkeypatch.setattr(runs_evaluate, "prepare", lambda pipeline: pytest.fail("the work began"))
    known = [f"--config={LISTWISE}", f"--model_dir={tmp_path}"]
    ranking = ["--full_ranking", f"--item_path={data / 'item.txt'}"]
    assert commands.run(evaluate, [*known, *ranking]) == 2
    printed = capsys.readouterr().err
    assert "eval_config.full_ranking.item_path: no such file" in printed
    assert f"nearest:  {data / 'items.txt'}" in printed


def test_a_folder_for_a_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(train, [f"--config={tmp_path}"]) == 2
    assert "directory" in capsys.readouterr().err


def flags(data: Path, model: Path, steps: int) -> list[str]:
    return [
        f"--config={LISTWISE}",
        f"--train_input_path={data / 'train_clicked.csv'}",
        "--eval_input_path=",
        f"--model_dir={model}",
        f"--data_config.negative_sampler.input_path={data / 'items.txt'}",
        "--data_config.batch_size=64",
        "--data_config.negative_sampler.num_sample=64",
        "--train_config.save_checkpoints_steps=2",
        f"--train_config.num_steps={steps}",
        "--export_config.exporter_type=none",
        f"--edit_config_json={json.dumps(few_features())}",
    ]


@pytest.mark.usefixtures("no_report")
def test_a_full_disk_and_then_a_corrupt_checkpoint(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    with limit(10_000_000):
        assert commands.run(train, flags(data, model, 4)) == 2
    printed = capfd.readouterr().err
    assert "Traceback" not in printed
    assert "cannot be written" in printed
    assert commands.run(train, flags(data, model, 4)) == 0
    newest = model / "model.ckpt-4.data-00000-of-00001"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 0xFF
    newest.write_bytes(content)
    capfd.readouterr()
    assert commands.run(train, flags(data, model, 6)) == 0
    shown = capfd.readouterr().out
    assert "falling back to the checkpoint before" in shown
    assert "model.ckpt-2" in shown
    assert (model / "model.ckpt-6.index").exists()
