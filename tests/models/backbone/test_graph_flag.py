"""`check --graph`: a table on the screen, a file, and what cannot be drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from easyrec_lite import check
from easyrec_lite.core.errors import ConfigError
from tests.commands import call

CONFIG = ["--config", "parallel_dssm_on_taobao_backbone"]


def test_text_has_every_block_with_its_shape(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(check, [*CONFIG, "--graph"]) == 0
    shown = capsys.readouterr().out.splitlines()
    line = next(line for line in shown if line.startswith("user_tower_embedding"))
    assert "[B, 113]" in line
    assert "user_mlp, user_dcn_out, user_fm, user_cin" in line


def test_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "graph.mmd"
    assert call(check, [*CONFIG, "--graph", str(target)]) == 0
    assert str(target) in capsys.readouterr().out
    text = target.read_text("utf-8")
    assert all(part in text for part in ("user_cin", "item_cin", "[B, 11, 16]", "user tower"))


def test_no_backbone_and_unknown_formats_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no backbone"):
        call(check, ["--config", "dssm_on_taobao", "--graph"])
    with pytest.raises(ConfigError, match=r"\.svg"):
        call(check, [*CONFIG, "--graph", str(tmp_path / "graph.pdf")])
