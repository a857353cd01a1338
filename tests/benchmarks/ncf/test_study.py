from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.ncf import __main__ as quality
from benchmarks.ncf.__main__ import TITLE
from benchmarks.ncf.cases import Case
from benchmarks.ncf.data import Data
from benchmarks.ncf.study import Study, digest
from easyrec_lite.core.errors import ConfigError
from tests.commands import call

POPULAR = Case("popularity", "", 1, {})


def results(folder: Path) -> list[Path]:
    return sorted((folder / "results").iterdir())


def test_what_is_done_is_not_done_again(data: Data, tmp_path: Path) -> None:
    study = Study(data, tmp_path)
    assert study.result(POPULAR) is None
    assert study.run([POPULAR], 1) == []
    (path,) = results(tmp_path)
    found = study.result(POPULAR)
    assert found is not None
    assert found["metrics"]["kept_hr@100"] > 100 / 160
    path.write_text(json.dumps(found | {"marked": True}))
    assert Study(data, tmp_path).run([POPULAR, Case("item-kNN", "", 1, {})], 2) == []
    assert json.loads(path.read_text())["marked"]
    assert len(results(tmp_path)) == 2


def test_a_result_stands_for_config_edits_seed_and_data(data: Data) -> None:
    base = Case("DSSM", "all", 1, {"a": 1})
    others = [
        digest(Case("DAT", "all", 1, {"a": 1}), data),
        digest(Case("DSSM", "all", 2, {"a": 1}), data),
        digest(Case("DSSM", "all", 1, {"a": 2}), data),
        digest(base, Data(data.folder, data.rows, "other")),
    ]
    assert len({digest(base, data), *others}) == 5
    assert digest(base, Data(Path("elsewhere"), data.rows, data.digest)) == digest(base, data)


def test_a_run_that_fails_leaves_no_result(
    data: Data, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = Case("DSSM", "all", 1, {"data_config.no_such_field": 1})
    study = Study(data, tmp_path)
    assert study.run([wrong, POPULAR], 1) == [wrong]
    assert study.result(wrong) is None
    assert study.result(POPULAR) is not None
    assert f"{tmp_path}/logs/dssm-all-1.log" in capsys.readouterr().out
    assert "no_such_field" in (tmp_path / "logs" / "dssm-all-1.log").read_text()


def test_the_command_from_made_up_data_to_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--quick", "--out-folder", str(tmp_path), "--out", str(tmp_path / "table.md")]
    for only in ("dssm-all-1", "popularity-1"):
        assert call(quality, [*flags, "--only", only]) == 0
    capsys.readouterr()
    assert call(quality, [*flags, "--table"]) == 0
    table = (tmp_path / "table.md").read_text()
    assert table.removeprefix(TITLE) in capsys.readouterr().out
    lines = {line.split(" | ")[0]: line for line in table.splitlines() if "| all |" in line}
    found = json.loads(next(iter((tmp_path / "results").glob("dssm-all*"))).read_text())
    assert f"{found['metrics']['excluded_hr@10']:.4f}" in lines["| DSSM"]
    assert lines["| DAT"].count("–") == 5
    # It has learnt the tastes: among the items not seen, well beyond the share of K in M.
    assert found["metrics"]["excluded_hr@10"] > 2 * 10 / 130
    assert (found["table_weights"], found["steps"]) == (727_936, 17)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_pattern_that_fits_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="dssm-al"):
        call(quality, ["--quick", "--out-folder", str(tmp_path), "--only", "dssm-al"])


def test_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EASYREC_LITE_SHARED", raising=False)
    with pytest.raises(ConfigError, match="--data"):
        call(quality, ["--out-folder", str(tmp_path)])


def test_edits_make_other_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--quick", "--out-folder", str(tmp_path), "--only", "dssm-all-1"]
    edit = "--model_config.dssm.temperature=hot"
    assert call(quality, [*flags, edit]) == 1
    assert "temperature" in (tmp_path / "logs" / "dssm-all-1.log").read_text()
    assert "'model_config.dssm.temperature': 'hot'" in capsys.readouterr().out
