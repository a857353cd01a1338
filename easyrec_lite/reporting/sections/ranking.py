"""The full ranking: its protocol, and the model beside its baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from easyrec_lite.evaluation.ranking.scorers import ITEM_KNN, MODEL, POPULARITY, RANDOM
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.rendering import Cell, ReportTable, digits, is_number
from easyrec_lite.reporting.section import Section

GROUPS = 200
SCORERS = {name: f"{name} (baseline)" for name in (POPULARITY, ITEM_KNN, RANDOM)}


def content(folder: ModelFolder) -> dict[str, Any]:
    """Returns the protocol, the table of scorers, and a table for each kind of group."""
    ranking = folder.ranking
    if ranking is None:
        return {"scorers": None}
    rows = ranking["rows"]
    names = _names(row["metrics"] for row in rows)
    cells = [
        [SCORERS.get(row["scorer"], row["scorer"]), row["seen"], *_values(row, names)]
        for row in rows
    ]
    model = [row for row in rows if row["scorer"] == MODEL and "interval" in row]
    groups = ranking.get("groups", [])
    return {
        "protocol": _protocol(ranking),
        "newest_step": folder.step if ranking["step"] != folder.step else None,
        "scorers": ReportTable("Full ranking", ["scorer", "seen items", *names], cells, 2),
        "intervals": _intervals(model, names) if model else None,
        "groups": [
            _groups(by, [group for group in groups if group["by"] == by])
            for by in dict.fromkeys(group["by"] for group in groups)
        ],
    }


def _intervals(model: Sequence[Mapping[str, Any]], names: Sequence[str]) -> ReportTable:
    """Returns the bounds of the model's metrics, a row for each bound and seen rule."""
    rows = [
        [bound, row["seen"], *(row["interval"].get(name, [None, None])[at] for name in names)]
        for row in model
        for at, bound in enumerate(("from", "to"))
    ]
    return ReportTable("95 % intervals of the model", ["bound", "seen items", *names], rows, 2)


def _protocol(ranking: Mapping[str, Any]) -> list[tuple[str, Cell]]:
    entries = {"step": ranking["step"], "checkpoint": ranking["checkpoint"], **ranking["protocol"]}
    return [(name.replace("_", " "), _cell(value)) for name, value in entries.items()]


def _cell(value: Any) -> Cell:
    if isinstance(value, list):
        return ", ".join(digits(each) if is_number(each) else str(each) for each in value)
    return value if is_number(value) else str(value)


def _groups(by: str, groups: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = _names(group["metrics"] for group in groups)
    rows = [
        [group["value"], group["seen"], group["queries"], *_values(group, names)]
        for group in groups[:GROUPS]
    ]
    head = [by, "seen items", "queries", *names]
    return {
        "by": by,
        "table": ReportTable(f"Full ranking by {by}", head, rows, 2),
        "left_out": max(len(groups) - GROUPS, 0),
    }


def _names(metrics: Iterable[Mapping[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for each in metrics for name in each))


def _values(row: Mapping[str, Any], names: Sequence[str]) -> list[float | None]:
    return [row["metrics"].get(name) for name in names]


SECTION = Section("ranking", "Full ranking", content)
