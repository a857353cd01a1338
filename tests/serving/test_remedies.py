"""The commands that messages give lead a new user of a pointwise model on to recommendations."""

from __future__ import annotations

import logging
import re
import shlex
from pathlib import Path

import pytest

from easyrec_lite import export, make_item_table, recommend
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.runs.estimator import Estimator
from easyrec_lite.serving.folders import checked_export
from tests import commands
from tests.serving import exported

COMMANDS = {"export": export, "make_item_table": make_item_table}
POINTWISE = {
    "data_config.negative_sampler": None,
    "model_config.loss_type": "CLASSIFICATION",
    "model_config.dssm.item_id": None,
    "eval_config.metrics_set": [{"auc": {}}],
}


def follow(message: str) -> list[str]:
    """Runs the commands in a message, and returns their names."""
    found = re.findall(r"python -m easyrec_lite\.(\w+) ([^;\n]*)", message)
    for name, flags in found:
        assert commands.run(COMMANDS[name], shlex.split(flags)) == 0, (name, flags)
    return [name for name, _ in found]


@pytest.fixture(scope="module")
def pointwise(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder with a trained pointwise model without items, and what training logged."""
    folder = tmp_path_factory.mktemp("pointwise")
    exported.write_data(folder)
    (folder / "items.txt").unlink()
    logged: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: logged.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("easyrec_lite.serving.item_export")
    logger.addHandler(handler)
    before = logger.level
    logger.setLevel(logging.INFO)
    Estimator(exported.pipeline(folder, **POINTWISE)).train_and_evaluate()
    logger.setLevel(before)
    logger.removeHandler(handler)
    return folder, logged


def recommended(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    user = '{"user_id": 3, "city": "Wien", "history": ["é"]}'
    code = commands.run(recommend, ["--saved_model_dir", str(folder), "--user", user])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def test_the_remedy_of_recommend_ends_in_recommendations(
    pointwise: tuple[Path, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, logged = pointwise
    monkeypatch.chdir(tmp_path)
    code, message = recommended(folder / "model", capsys)
    assert code == 2
    assert follow(message) == ["make_item_table", "export"]
    capsys.readouterr()
    code, printed = recommended(folder / "model", capsys)
    assert code == 0
    assert len(printed.splitlines()) > 5
    _, manifest = checked_export(folder / "model", [])
    assert manifest["items"]["count"] == len({*exported.IDS} & set(_items(folder)))
    (told,) = [line for line in logged if "make_item_table" in line]
    assert follow(told) == ["make_item_table", "export"]


def _items(folder: Path) -> list[str]:
    lines = (folder / "rows.csv").read_text(encoding="utf-8").splitlines()
    return [line.split(",")[4] for line in lines]


def test_the_remedy_of_an_export_elsewhere_exports_there(
    pointwise: tuple[Path, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, _ = pointwise
    monkeypatch.chdir(tmp_path)
    pipeline = exported.pipeline(folder, **POINTWISE)
    Estimator(pipeline).export(tmp_path / "my exports")
    with pytest.raises(ConfigError) as error:
        checked_export(tmp_path / "my exports", [])
    follow(error.value.problems[0].remedy)
    assert checked_export(tmp_path / "my exports", [])[1]["items"]["count"] > 0


def test_the_table_has_a_column_for_each_attribute(
    pointwise: tuple[Path, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = pointwise
    config, out = str(folder / "model" / "pipeline.config"), tmp_path / "items.txt"
    assert commands.run(make_item_table, ["--config", config]) == 2
    assert "--output" in capsys.readouterr().err
    assert commands.run(make_item_table, ["--config", config, "--output", str(out)]) == 0
    header, *rows = out.read_text(encoding="utf-8").splitlines()
    assert [cell.split(":")[0] for cell in header.split("\t")] == [
        "id",
        "weight",
        "item_id",
        "brand",
    ]
    brands = dict(zip(exported.IDS, exported.BRANDS, strict=True))
    cells = [row.split("\t") for row in rows]
    assert {cell[0] for cell in cells} == set(_items(folder))
    assert all(cell[2:] == [cell[0], brands[cell[0]]] for cell in cells)
    assert "--item_path" in capsys.readouterr().out
