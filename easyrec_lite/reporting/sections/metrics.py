"""Metrics and losses of the evaluations, over steps."""

from __future__ import annotations

from collections.abc import Sequence

from easyrec_lite.reporting.figures import curves
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.markup import Child, code, note, table, tag
from easyrec_lite.reporting.section import Section
from easyrec_lite.training.history import Evaluation


def body(folder: ModelFolder) -> list[Child]:
    """Returns curves of each kind of metric that has two steps, and the table of all metrics."""
    evaluations = _all(folder)
    if not evaluations:
        command = f"python -m easyrec_lite.evaluate --config {folder.config_path}"
        return [note("Not evaluated yet: ", code(command))]
    names = list(dict.fromkeys(name for each in evaluations for name in each.metrics))
    parts: list[Child] = []
    if any(name.startswith("recall") for name in names):
        parts.append(
            note(
                "recall@k here ranks a row's item among the candidates of its batch, not among all "
                "items: compare it only between like runs."
            )
        )
    families = dict.fromkeys(_family(name) for name in names)
    figures = [
        _figure(family, evaluations, [name for name in names if _family(name) == family])
        for family in families
    ]
    parts.append(tag("div", *figures, class_="figures"))
    head = ["step", *names]
    rows = [[each.step, *(each.metrics.get(name) for name in names)] for each in evaluations]
    parts.append(table("Evaluations", head, rows))
    return parts


def _all(folder: ModelFolder) -> list[Evaluation]:
    """Those of the training, and the last one where it was made afterwards."""
    found, result = list(folder.evaluations), dict(folder.result)
    step = result.pop("global_step", None)
    if step is not None:
        found = [each for each in found if each.step != step] + [Evaluation(step, result)]
    return sorted(found, key=lambda each: each.step)


def _family(name: str) -> str:
    """`recall` of `recall@5`, `loss` of `loss/…`, `full_ranking/mrr` of `full_ranking/…/mrr@5`."""
    if name.startswith("loss/"):
        return "loss"
    first, *rest = name.split("@")[0].split("/")
    return "/".join([first, *rest[-1:]])


def _figure(family: str, evaluations: Sequence[Evaluation], names: Sequence[str]) -> Child:
    lines = {}
    for name in names:
        having = [each for each in evaluations if name in each.metrics]
        steps = [each.step for each in having]
        if len(steps) > 1:
            label = name.removeprefix("loss/").removeprefix("full_ranking/")
            lines[label] = (steps, [each.metrics[name] for each in having])
    if not lines:
        return None
    told = "; ".join(f"{name} {values[-1]:.4g}" for name, (_, values) in lines.items())
    alt = f"{family} of the evaluations over steps; at the last: {told}"
    key = "".join(letter if letter.isalnum() else "-" for letter in family)
    return curves(f"figure-metric-{key}", alt, lines, family, markers=True)


SECTION = Section("metrics", "Evaluations", body)
