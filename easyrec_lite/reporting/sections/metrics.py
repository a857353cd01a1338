"""Metrics and losses of the evaluations, over steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from easyrec_lite.evaluation.ranking.scorers import POPULARITY
from easyrec_lite.evaluation.ranking.verdict import PREFIX
from easyrec_lite.reporting.figures import curves
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.rendering import ReportTable
from easyrec_lite.reporting.section import Section
from easyrec_lite.training.history import EvaluationRecord


def content(folder: ModelFolder) -> dict[str, Any]:
    """Returns curves of the metrics known at two steps or more, and the table of all metrics."""
    evaluations = _all(folder)
    if not evaluations:
        return {"evaluations": None}
    names = list(dict.fromkeys(name for each in evaluations for name in each.metrics))
    families = dict.fromkeys(_family(name) for name in names)
    popularity = _popularity(folder)
    figures = [
        _figure(
            family, evaluations, [name for name in names if _family(name) == family], popularity
        )
        for family in families
    ]
    head = ["step", *names]
    rows = [[each.step, *(each.metrics.get(name) for name in names)] for each in evaluations]
    return {
        "beside_popularity": any(name in popularity for name in names),
        "within_batches": any(name.startswith("recall") for name in names),
        "figures": figures,
        "evaluations": ReportTable("Evaluations", head, rows),
    }


def _all(folder: ModelFolder) -> list[EvaluationRecord]:
    """Returns the evaluations of the training, and a later one of its last checkpoint."""
    by_step = {each.step: each for each in folder.evaluations}
    last = dict(folder.result)
    step = last.pop("global_step", None)
    if step is not None:
        by_step[step] = EvaluationRecord(step, last)
    return sorted(by_step.values(), key=lambda each: each.step)


def _family(name: str) -> str:
    """Returns `recall` of `recall@5`, `full_ranking/kept/mrr` of `full_ranking/kept/mrr@5`."""
    return "loss" if name.startswith("loss/") else name.split("@")[0]


def _popularity(folder: ModelFolder) -> dict[str, float]:
    """Returns the metrics of ranking by popularity, under the names of the model's."""
    return {
        f"{PREFIX}{row['seen']}/{name}": value
        for row in (folder.ranking or {}).get("rows", [])
        if row["scorer"] == POPULARITY
        for name, value in row["metrics"].items()
    }


def _figure(
    family: str,
    evaluations: Sequence[EvaluationRecord],
    names: Sequence[str],
    popularity: Mapping[str, float],
) -> Markup:
    """Returns curves of the metrics, each beside a dashed line of popularity where it is known."""
    lines = {}
    levels = {}
    for name in names:
        having = [each for each in evaluations if name in each.metrics]
        steps = [each.step for each in having]
        if len(steps) > 1:
            label = name.removeprefix("loss/").removeprefix(PREFIX)
            lines[label] = (steps, [each.metrics[name] for each in having])
            if name in popularity:
                levels[label] = popularity[name]
    if not lines:
        return Markup("")
    last = "; ".join(f"{name} {values[-1]:.4g}" for name, (_, values) in lines.items())
    alt = f"{family} of the evaluations over steps; at the last: {last}"
    if levels:
        listed = "; ".join(f"{name} {value:.4g}" for name, value in levels.items())
        alt += f". Dashed, popularity: {listed}"
    key = "".join(letter if letter.isalnum() else "-" for letter in family)
    return curves(f"figure-metric-{key}", alt, lines, family, markers=True, levels=levels)


SECTION = Section("metrics", "Evaluations", content)
