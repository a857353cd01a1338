"""The report that a run of a shipped config ends with, in a browser."""

from __future__ import annotations

from pathlib import Path

from easyrec_lite.checks.check import load_config
from tests.e2e.conftest import Trained
from tests.e2e.running import LISTWISE
from tests.reporting.browser import visit, with_probe
from tests.reporting.reading import parse, section, tables


def test_a_run_ends_with_a_report_to_look_at(listwise: Trained, tmp_path: Path) -> None:
    target = listwise.folder / "report.html"
    lines = listwise.stdout.splitlines()
    assert lines.index(f"report:     {target}") == lines.index("next:") - 1
    text = target.read_text("utf-8")
    page = parse(text)
    assert "could not be made" not in page.text
    groups = load_config(LISTWISE).config.model_config.feature_groups
    features = tables(section(page, "features"))
    for group in groups:
        rows = features[f"Weights in {group.group_name}_senet"]
        assert {row["feature"] for row in rows} == set(group.feature_names)
    (evaluation,) = tables(section(page, "metrics"))["Evaluations"]
    assert evaluation == {
        "step": listwise.step,
        **{name: value for name, value in listwise.result.items() if name != "global_step"},
    }
    recommended = [name for name in tables(section(page, "examples")) if "Recommended" in name]
    assert len(recommended) == 5
    found = visit(with_probe(text), tmp_path)
    assert (found.console, found.requests) == ([], ["/page.html"])
    assert len(found.seen["pictures"]) == len(page.all("svg")) == 6
    assert all(picture["drawn"] > 5 for picture in found.seen["pictures"])
