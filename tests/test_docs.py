"""What the pages in docs/ and examples/ show is what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from easyrec_lite import explain
from easyrec_lite.checks.check import load_config
from easyrec_lite.checks.explain import OWN_NUMBERS
from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config import load
from easyrec_lite.models.backbone.diagram import table
from easyrec_lite.models.backbone.nodes import nodes
from easyrec_lite.protos.docs import messages
from easyrec_lite.runs import command_line as cli
from tests.commands import call
from tests.layers import own
from tests.test_readme import GUIDES, MADE_UP, ROOT, blocks, calls, source_of, value_of

DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), *sorted(ROOT.glob("*.md"))]
PAGES += [ROOT / folder / "README.md" for folder in ("examples", "tests", "tests/golden/data")]
# test_readme runs the commands of the quick starts.
CALLS = [(page.name, *call) for page in PAGES if page not in GUIDES for call in calls(page)]


def text(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    links = re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]*))?\)", prose)
    for path, title in links:
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not title or title in anchors(target), f"{path}#{title}"


def anchors(page: Path) -> set[str]:
    """Returns the anchors that GitHub gives to the titles of a page."""
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_architecture_shows_every_package_and_arrows_that_point_down() -> None:
    packages = {path.parent.name for path in (ROOT / "easyrec_lite").glob("*/__init__.py")}
    page = text("architecture.md")
    picture = re.findall(r"```mermaid\n(.*?)```", page, re.S)[0]
    order = re.findall(r"^  (\w+)\[", picture, re.M)
    assert packages - {"datasets", "protos"} == set(order) - {"commands"}
    table = " ".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert packages - {"datasets"} == set(re.findall(r"`(\w+)`", table)) & packages
    for line in re.findall(r"^  (\w+ --> .*)$", picture, re.M):
        upper, *lower = (re.findall(r"\w+", part) for part in line.split("-->"))
        for before, after in zip([upper, *lower], lower, strict=False):
            assert all(order.index(a) < order.index(b) for a in before for b in after)


@pytest.mark.parametrize(("page", "module", "arguments"), CALLS)
def test_configs_and_paths_exist(page: str, module: str, arguments: list[str]) -> None:
    config = value_of("--config", arguments)
    if config in {None, "NAME", *MADE_UP}:
        if module == "easyrec_lite.explain" and arguments[:1] != ["--counts"]:
            assert call(explain, arguments) == 0
        return
    config = source_of(config)
    edits, _ = cli.split_edits(arguments)
    edits |= json.loads(value_of("--edit_config_json", arguments) or "{}")
    read = load if "--import" in arguments else load_config
    assert read(config, edits).config != read(config).config or not edits


@pytest.mark.parametrize(
    "name", ["dssm_senet_on_taobao_backbone.config", "parallel_dssm_on_taobao_backbone.config"]
)
def test_graphs_are_as_drawn(name: str) -> None:
    drawn = "\n".join(line.rstrip() for line in table(nodes(load_config(name))).splitlines())
    assert f"\n```\n{drawn.strip()}\n```\n" in text("models.md")


def test_every_model_and_layer_has_its_place() -> None:
    titles = re.findall(r"^#+ (.*)$", text("models.md"), re.M)
    shown = " ".join(titles).replace("DSSM + SENet", "DSSM_SENet")
    assert [name for name in MODELS.names() if name not in shown] == []
    listed = re.findall(r"^\| `([A-Z]\w+)` \|", text("layers.md"), re.M)
    assert sorted(listed) == [spec.name for spec in own.specs()]


def test_every_field_of_our_own_is_told() -> None:
    fields = (field for message in messages().values() for field in message.fields.values())
    ours = {field.name for field in fields if field.number >= OWN_NUMBERS}
    table = text("config.md").split("## Fields that EasyRec does not have")[1].split("\n## ")[0]
    assert "seed" in ours
    assert ours <= set(re.findall(r"\w+", table))


def test_the_ranking_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(DOCS / "evaluation.md", "python")
    exec(code, {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(0 <= float(value) <= 1 for value in lines[0].split())


def test_the_layers_example_computes_what_it_says() -> None:
    (code,) = blocks(DOCS / "layers.md", "python")
    *setup, call = code.strip().splitlines()
    names: dict[str, object] = {}
    exec("\n".join(setup), names)
    expression, shown = call.split("  # ")
    np.testing.assert_array_equal(eval(expression, names), json.loads(shown.replace(".]", ".0]")))
