"""The drawings of a backbone: a table, DOT, Mermaid, and pictures by Graphviz."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from easyrec_lite.core.errors import ConfigError
from easyrec_lite.models.backbone import diagram
from easyrec_lite.models.backbone.diagram import Node, dot, mermaid, table, write_diagram

NODES = [
    Node("@ab", "feature group", (), "[B, 8]", 1234, "user"),
    Node("c", 'lambda x: x[0] * (1 if 1 < 2 else "a#b\\n")', ("@ab",), "[B, 4]", 0, "user"),
    Node("end", "MLP", ("c", "package input", "@ab"), "[B, 3]", 9),
    Node("wide", "x" * 99, (), "[B]", 0, "item"),
]
needs_graphviz = pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")


def test_the_table_has_a_line_for_each_node_and_the_sum() -> None:
    lines = table(NODES).splitlines()
    assert lines[0].split() == ["block", "does", "reads", "shape", "parameters"]
    assert [line.split()[0] for line in lines[1:-1]] == ["@ab", "c", "end", "wide"]
    assert "c, package input, @ab" in lines[3]
    assert lines[-1].split() == ["1,243"]


def test_dot_has_each_node_and_arrow_and_the_towers() -> None:
    text = dot(NODES)
    assert re.findall(r'"(\S+)" -> "(\S+)"', text) == [("@ab", "c"), ("c", "end"), ("@ab", "end")]
    assert r'label="ab\nfeature group\n[B, 8], 1,234 parameters"' in text
    assert r"(1 if 1 < 2 else \"a#b\\n\")" in text
    user, item = text.index("cluster_user"), text.index("cluster_item")
    assert user < text.index('"c" [') < item < text.index('"wide" [') < text.index('"end" [')


def test_mermaid_has_each_node_and_arrow_and_the_towers() -> None:
    text = mermaid(NODES)
    assert re.findall(r"(n\d) --> (n\d)", text) == [("n0", "n1"), ("n1", "n2"), ("n0", "n2")]
    assert '"ab<br>feature group<br>[B, 8], 1,234 parameters"' in text
    labels = re.findall(r'\("(.*)"\)', text)
    assert len(labels) == len(NODES)
    assert not any(letter in label.replace("<br>", "") for label in labels for letter in '"<\\')
    assert text.index("user tower") < text.index("n1(") < text.index("item tower")


def test_a_tower_without_nodes_has_no_frame() -> None:
    for text in (dot(NODES[2:3]), mermaid(NODES[2:3])):
        assert "tower" not in text


@pytest.mark.parametrize(("name", "text"), [("g.dot", dot(NODES)), ("g.MMD", mermaid(NODES))])
def test_texts_are_written_as_they_are(tmp_path: Path, name: str, text: str) -> None:
    write_diagram(NODES, str(tmp_path / name))
    assert (tmp_path / name).read_text("utf-8") == text


@needs_graphviz
def test_an_svg_has_the_texts_and_a_png_is_one(tmp_path: Path) -> None:
    write_diagram(NODES, str(tmp_path / "g.svg"))
    nodes = list(ElementTree.parse(tmp_path / "g.svg").iter())
    texts = {node.text for node in nodes if node.tag.endswith("text")}
    assert {"ab", "c", "end", "[B, 8], 1,234 parameters", "user tower", "item tower"} <= texts
    write_diagram(NODES, str(tmp_path / "g.png"))
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")


def test_without_graphviz_a_picture_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagram.shutil, "which", lambda _: None)
    with pytest.raises(ConfigError) as caught:
        write_diagram(NODES, str(tmp_path / "g.png"))
    (problem,) = caught.value.problems
    assert f"dot -Tpng {tmp_path / 'g.dot'} -o {tmp_path / 'g.png'}" in problem.remedy
    assert not list(tmp_path.iterdir())


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        write_diagram(NODES, str(tmp_path / "g.pdf"))
    (problem,) = caught.value.problems
    assert all(ending in problem.expected for ending in (".dot", ".mmd", ".svg", ".png"))


def test_a_failure_of_graphviz_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dot").write_text("#!/bin/sh\necho broken font >&2\nexit 1\n")
    (tmp_path / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(ConfigError, match="broken font"):
        write_diagram(NODES, str(tmp_path / "g.svg"))
    assert not (tmp_path / "g.svg").exists()
