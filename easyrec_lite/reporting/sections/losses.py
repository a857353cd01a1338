"""Losses, rates and speed over the steps of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from easyrec_lite.reporting.figures import Points, curves
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.rendering import ReportTable
from easyrec_lite.reporting.section import Section

POINTS = 300
ROWS = 20
SPEED, WAIT = "examples_per_second", "input_wait_share"
OTHERS = ("gradient_norm", "learning_rate", "embedding_rate", "temperature")


def content(folder: ModelFolder) -> dict[str, Any]:
    """Returns curves of losses, learning rates, gradient norm and speed; and the last log lines."""
    log = folder.log
    if not log:
        return {"lines": None}
    names = list(dict.fromkeys(name for line in log for name in line["values"]))
    losses = [name for name in names if name not in OTHERS]
    # A single loss is the total itself.
    shown = losses if len(losses) > 2 else ["total_loss"]
    figures = [
        _curves("loss", "Losses while training", log, shown),
        _curves("rates", "Learning rates", log, [n for n in names if n.endswith("_rate")]),
        _curves("gradient", "Norm of the gradient", log, [n for n in names if n == OTHERS[0]]),
        _speed(log),
    ]
    rows = [[line["step"], *(line["values"].get(n) for n in names), line[SPEED]] for line in log]
    head = ["step", *names, "examples/s"]
    return {
        "figures": figures,
        "mean_of": -(-len(log) // POINTS),
        "lines": ReportTable("Training log, newest last", head, rows[-ROWS:]),
    }


def thinned(points: Points, most: int = POINTS) -> Points:
    """Returns at most `most` points: means of neighbouring points, at the last one's step."""
    steps, values = points
    each = -(-len(steps) // most)
    groups = [slice(start, start + each) for start in range(0, len(steps), max(each, 1))]
    means = [sum(values[group]) / len(values[group]) for group in groups]
    return [steps[group][-1] for group in groups], means


def _curves(key: str, title: str, log: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Markup:
    lines = {}
    for name in names:
        having = [line for line in log if name in line["values"]]
        steps = [line["step"] for line in having]
        lines[name] = thinned((steps, [line["values"][name] for line in having]))
    if not lines:
        return Markup("")
    ranges = "; ".join(
        f"{name} from {values[0]:.4g} to {values[-1]:.4g}" for name, (_, values) in lines.items()
    )
    alt = f"{title} over steps {log[0]['step']} to {log[-1]['step']}: {ranges}"
    label = names[0] if len(names) == 1 else key
    return curves(f"figure-{key}", alt, lines, label.replace("_", " "))


def _speed(log: Sequence[Mapping[str, Any]]) -> Markup:
    steps, speeds = [line["step"] for line in log], [line[SPEED] for line in log]
    waits = [line[WAIT] for line in log]
    alt = (
        f"Examples per second over steps, {min(speeds):,.0f} to {max(speeds):,.0f}; at most "
        f"{max(waits):.0%} of the time was spent waiting for input"
    )
    return curves("figure-speed", alt, {SPEED: thinned((steps, speeds))}, "examples/s")


SECTION = Section("losses", "Training", content)
