"""`check --graph`: text on the screen, an SVG or PNG file, and what cannot be drawn."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from easyrec_lite.check import main
from easyrec_lite.core.errors import ConfigError

CONFIG = ["--config", "parallel_dssm_on_taobao_backbone"]


def test_text_has_every_block_with_its_shape(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*CONFIG, "--graph"]) == 0
    shown = capsys.readouterr().out.splitlines()
    line = next(line for line in shown if line.startswith("user_tower_embedding"))
    assert "[B, 113]" in line
    assert "user_mlp, user_dcn_out, user_fm, user_cin" in line


def test_svg(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "graph.svg"
    assert main([*CONFIG, "--graph", str(target)]) == 0
    assert f"the drawing is in {target}\n" in capsys.readouterr().out
    texts = {node.text for node in ElementTree.parse(target).iter() if node.tag.endswith("text")}
    assert {"user_cin", "item_cin", "[B, 11, 16]"} <= texts


def test_png(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    target = tmp_path / "graph.png"
    assert main([*CONFIG, "--graph", str(target)]) == 0
    with image.open(target) as picture:
        colours = {colour for _, colour in picture.getcolors(1 << 20)}
        assert picture.width > picture.height > 100
        assert {(255, 255, 255), (0, 0, 0)} <= colours
        assert len(colours) > 5


def test_no_backbone_and_unknown_formats_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no backbone"):
        main(["--config", "dssm_on_taobao", "--graph"])
    with pytest.raises(ConfigError, match=r"\.svg or \.png"):
        main([*CONFIG, "--graph", str(tmp_path / "graph.pdf")])
