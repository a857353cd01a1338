"""Metrics and losses of the evaluations, over steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

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
    figures = [
        _figure(family, evaluations, [name for name in names if _family(name) == family])
        for family in families
    ]
    head = ["step", *names]
    rows = [[each.step, *(each.metrics.get(name) for name in names)] for each in evaluations]
    return {
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
    """Returns `recall` of `recall@5`, `full_ranking/mrr` of `full_ranking/kept/mrr@5`."""
    if name.startswith("loss/"):
        return "loss"
    first, *rest = name.split("@")[0].split("/")
    return "/".join([first, *rest[-1:]])


def _figure(family: str, evaluations: Sequence[EvaluationRecord], names: Sequence[str]) -> Markup:
    lines = {}
    for name in names:
        having = [each for each in evaluations if name in each.metrics]
        steps = [each.step for each in having]
        if len(steps) > 1:
            label = name.removeprefix("loss/").removeprefix("full_ranking/")
            lines[label] = (steps, [each.metrics[name] for each in having])
    if not lines:
        return Markup("")
    last = "; ".join(f"{name} {values[-1]:.4g}" for name, (_, values) in lines.items())
    alt = f"{family} of the evaluations over steps; at the last: {last}"
    key = "".join(letter if letter.isalnum() else "-" for letter in family)
    return curves(f"figure-metric-{key}", alt, lines, family, markers=True)


SECTION = Section("metrics", "Evaluations", content)
