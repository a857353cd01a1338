"""The report in a headless Chromium."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from easyrec_lite.config import Pipeline
from easyrec_lite.reporting.figures import curves
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.page import page
from tests.reporting import made
from tests.reporting.browser import Visit, find_browser, visit, with_probe

DARK = "--blink-settings=preferredColorScheme=0"
LIGHT = "--blink-settings=preferredColorScheme=1"


@pytest.fixture(scope="module")
def report(trained: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of a run in which texts would do harm, with a ranking."""
    find_browser()
    folder = Path(trained.config.model_dir)
    whole = tmp_path_factory.mktemp("whole") / "model"
    whole.mkdir()
    (whole.parent / "senet.config").write_text("", "utf-8")
    made.fill(whole)
    (whole / "export").symlink_to(folder / "export")
    return page(ModelFolder(whole, trained))


def luminance(colour: str) -> float:
    """Returns the relative luminance of `rgb(r, g, b)`, as WCAG 2 defines it."""
    parts = np.array(colour.strip("rgb()").split(","), float) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_the_pictures_are_there_and_nothing_else_is_asked_for(
    report: str, scheme: str, tmp_path: Path
) -> None:
    found = visit(with_probe(report), tmp_path, scheme)
    assert found.console == []
    assert found.requests == ["/page.html"]
    assert found.seen["requests"] == []
    assert len(found.seen["pictures"]) == 12
    for picture in found.seen["pictures"]:
        assert picture["width"] > 200
        assert picture["height"] > 80
        assert picture["drawn"] > 5
        assert len(picture["texts"]) > 4
        assert picture["strayed"] == []
    assert found.seen["wide"] <= 0
    assert len(found.seen["reached"]) > 20
    assert all(found.seen["reached"])
    assert found.seen["dark"] == (scheme == DARK)
    paper, ink = luminance(found.seen["paper"]), luminance(found.seen["ink"])
    assert (paper < ink) == (scheme == DARK)
    assert (max(paper, ink) + 0.05) / (min(paper, ink) + 0.05) > 7


def test_the_page_as_it_is_says_nothing(report: str, tmp_path: Path) -> None:
    assert visit(report, tmp_path) == Visit({}, [], ["/page.html"])


def test_on_a_narrow_screen_only_tables_scroll(report: str, tmp_path: Path) -> None:
    found = visit(with_probe(report), tmp_path, "--window-size=520,900")
    assert found.seen["wide"] <= 0


@pytest.mark.parametrize("values", [[-1.2345e-7, 1.23e-7], [1e9 + 1, 1e9], [0.004, 0.004], [7.0]])
def test_no_label_of_a_curve_strays(values: list[float], tmp_path: Path) -> None:
    steps = [10**7 + step for step in range(len(values))]
    lines = {f"a_very_long_name_of_a_metric@{n}": (steps, values) for n in range(6)}
    made = "".join(
        curves(f"f{len(some)}", "words", some, "embedding rate")
        for some in (lines, dict(list(lines.items())[:1]))
    )
    bare = (
        '<!DOCTYPE html><html><head><meta http-equiv="Content-Security-Policy" content=""></head>'
    )
    found = visit(with_probe(f"{bare}<body>{made}</body></html>"), tmp_path)
    assert [picture["strayed"] for picture in found.seen["pictures"]] == [[], []]


def test_what_these_tests_look_for_is_seen_when_it_is_there(tmp_path: Path) -> None:
    bad = "<!DOCTYPE html><html><body><script>undefined_name()</script></body></html>"
    found = visit(bad.replace("<body>", '<body><img src="/lost.png" alt="x">'), tmp_path)
    assert any("undefined_name" in line for line in found.console)
    assert "/lost.png" in found.requests
