"""Good configs have no errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from easyrec_lite.checks.check import check
from easyrec_lite.config import load
from tests.config.base_config import BACKBONE, LISTWISE, POINTWISE, problems
from tests.golden import CASES

CONFIGS = Path(__file__).parents[2] / "configs"


def errors(path: Path) -> list[str]:
    return [str(found) for found in check(load(path)) if found.severity == "error"]


@pytest.mark.parametrize("text", [POINTWISE, LISTWISE, BACKBONE])
def test_the_base_configs_are_clean(text: str) -> None:
    assert [str(found) for found in problems(text)] == []


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.config")), ids=lambda path: path.stem)
def test_shipped_configs_have_neither_errors_nor_warnings(path: Path) -> None:
    found = [str(found) for found in check(load(path))]
    # A model without vectors says so, whatever its config is.
    expected = path.stem in ("pdn_on_taobao", "multi_tower_recall_on_taobao")
    assert len(found) == expected, found
    assert all("no vectors of users or items" in each for each in found)


def test_golden_configs_have_no_errors() -> None:
    paths = sorted(CASES.glob("*/pipeline.config"))
    assert len(paths) >= 5
    assert {path.parent.name: errors(path) for path in paths} == {
        path.parent.name: [] for path in paths
    }


def test_problems_are_in_file_order() -> None:
    text = POINTWISE.replace("hidden_units: [12, 4]", "hidden_units: [12, 5]")
    text = text.replace('input_names: "city"', 'input_names: "town"')
    text = text.replace('label_fields: "clk"', 'label_fields: "click"')
    found = problems(text)
    assert [item.place.line for item in found] == sorted(item.place.line for item in found)
    assert len([item for item in found if item.severity == "error"]) == 4
