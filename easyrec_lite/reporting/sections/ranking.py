"""The full ranking: the model beside its baselines, and by which protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.markup import Child, code, details, joined, note, number, table, tag
from easyrec_lite.reporting.section import Section

GROUPS = 200
SCORERS = {"popularity": "popularity (baseline)", "random": "random (baseline)"}


def how_to(folder: ModelFolder) -> Child:
    """Returns what to type for a full ranking."""
    command = f"python -m easyrec_lite.evaluate --config {folder.config_path} --full_ranking"
    return note("Not ranked among all items yet: ", code(command))


def body(folder: ModelFolder) -> list[Child]:
    """Returns protocol, the table of scorers, and the groups."""
    ranking = folder.ranking
    if ranking is None:
        return [how_to(folder)]
    protocol = _protocol(ranking)
    parts: list[Child] = [protocol]
    if folder.step is not None and ranking["step"] != folder.step:
        parts.append(note(f"The newest checkpoint is of step {folder.step}."))
    rows = ranking["rows"]
    names = _names(row["metrics"] for row in rows)
    cells = [
        [SCORERS.get(row["scorer"], row["scorer"]), row["seen"], *_values(row, names)]
        for row in rows
    ]
    parts.append(table("Full ranking", ["scorer", "seen items", *names], cells, 2))
    groups = ranking.get("groups", [])
    for by in dict.fromkeys(group["by"] for group in groups):
        parts.append(_groups(by, [group for group in groups if group["by"] == by]))
    return parts


def _protocol(ranking: Mapping[str, Any]) -> Child:
    entries = {"step": ranking["step"], "checkpoint": ranking["checkpoint"], **ranking["protocol"]}
    shown = [
        tag("div", tag("dt", name.replace("_", " ")), tag("dd", _shown(value)))
        for name, value in entries.items()
    ]
    return tag("dl", *shown, class_="facts")


def _shown(value: Any) -> Child:
    if isinstance(value, list):
        return joined(map(_shown, value), ", ")
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return number(value) if numeric else str(value)


def _groups(by: str, groups: Sequence[Mapping[str, Any]]) -> Child:
    names = _names(group["metrics"] for group in groups)
    rows = [
        [group["value"], group["seen"], group["queries"], *_values(group, names)]
        for group in groups[:GROUPS]
    ]
    made = table(f"Full ranking by {by}", [by, "seen items", "queries", *names], rows, 2)
    rest = len(groups) - GROUPS
    return details(f"By {by}", made, note(f"{rest} more are left out.") if rest > 0 else None)


def _names(metrics: Iterable[Mapping[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for each in metrics for name in each))


def _values(row: Mapping[str, Any], names: Sequence[str]) -> list[float | None]:
    return [row["metrics"].get(name) for name in names]


SECTION = Section("ranking", "Full ranking", body)
