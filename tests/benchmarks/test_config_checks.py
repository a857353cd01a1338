"""The check of a folder of configs: each gets a verdict, and a failure of the check is one too."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import config_checks

SHIPPED = Path(__file__).resolve().parents[2] / "configs" / "dssm_on_taobao.config"


def test_every_config_gets_a_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SHIPPED.read_text("utf-8")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "good.config").write_text(text, "utf-8")
    other = text.replace('model_class: "DSSM"', 'model_class: "FM"').replace("dssm {", "fm {")
    (tmp_path / "other.config").write_text(other, "utf-8")
    (tmp_path / "text.config").write_text("model_config {", "utf-8")
    assert config_checks.main([str(tmp_path)]) == 0
    good, other, cut, summary = capsys.readouterr().out.splitlines()
    assert good.split() == ["accepted", "deep/good.config"]
    assert other.startswith("refused")
    assert "model_class" in other
    assert "'FM'" in other
    assert cut.startswith("refused")
    assert summary == "1 accepted, 2 refused"


def test_a_check_that_fails_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: str) -> None:
        raise AttributeError("temperature")

    (tmp_path / "a.config").write_text("", "utf-8")
    monkeypatch.setattr(config_checks, "check_config", fail)
    assert config_checks.main([str(tmp_path)]) == 1
    assert "temperature" in capsys.readouterr().out.splitlines()[0]
