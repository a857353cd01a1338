"""`study.html`: the best settings, the course of the study, what mattered, all trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import SimpleNamespace

from markupsafe import Markup

from easyrec_lite.core.durations import duration
from easyrec_lite.reporting.figures import bars, curves, points
from easyrec_lite.reporting.rendering import ReportTable, render, whole_page
from easyrec_lite.tuning.objective import Objective
from easyrec_lite.tuning.space import Choice, Parameter, Real, Space, Whole, short_names
from easyrec_lite.tuning.study import DONE, PRUNED, TrialRow
from easyrec_lite.tuning.table import OWN_SETTINGS, counts

# Of so many of the best trials the evaluations are drawn.
DRAWN = 8


@dataclass(frozen=True)
class StudyResult:
    """What the page shows.

    Attributes:
      name: of the study.
      space: the parameters.
      target: what is optimised.
      rows: all trials.
      best: the best one; None if none is done.
      importances: path → share; empty while there are too few trials.
      command: trains with the best settings; "" without any.
      config: the text of the config of all trials.
    """

    name: str
    space: Space
    target: Objective
    rows: Sequence[TrialRow]
    best: TrialRow | None
    importances: Mapping[str, float]
    command: str
    config: str

    @property
    def names(self) -> dict[str, str]:
        """Path → its short name."""
        return short_names([each.path for each in self.space])

    def having(self, state: str) -> list[TrialRow]:
        """Returns the trials in a state that have a value."""
        return [row for row in self.rows if row.state == state and row.value is not None]


def study_page(result: StudyResult) -> Markup:
    """Returns the page as HTML."""
    parts: dict[str, tuple[str, Mapping[str, object]]] = {
        "best": ("Best settings", _best(result)),
        "course": ("Course of the study", _course(result)),
        "importance": ("What mattered", _importance(result)),
        "slices": ("Each parameter", _slices(result)),
        "trials": ("Trials", {"table": _table(result)}),
        "space": ("Search space and config", _space(result)),
    }
    sections = [
        SimpleNamespace(key=key, title=title, body=render(f"study_{key}.html", **values))
        for key, (title, values) in parts.items()
    ]
    return whole_page(result.name, "study", sections)


def _best(result: StudyResult) -> dict[str, object]:
    best = result.best
    cards: list[tuple[str, object]] = [(result.target.metric, best.value if best else "none")]
    if best:
        cards += [("trial", best.number), ("at step", best.step)]
    cards += [(OWN_SETTINGS, row.value) for row in result.having(DONE) if row.own]
    cards += [("trials", counts(result.rows))]
    cards += [("time of all trials", duration(sum(row.seconds for row in result.rows)))]
    settings = [] if best is None else list(best.settings.items())
    return {"cards": cards, "settings": settings, "command": result.command}


def _course(result: StudyResult) -> dict[str, object]:
    done = result.having(DONE)
    if not done:
        return {"figures": []}

    def best_of(best: float, value: float) -> float:
        return value if result.target.better(value, best) else best

    metric, values = result.target.metric, _values(done)
    course = list(accumulate(values, best_of))
    numbers = [row.number for row in done]
    alt = f"Best {metric} over {len(done)} trials, from {course[0]:.4g} to {course[-1]:.4g}"
    lines = {"best so far": (numbers, course), "trial": (numbers, values)}
    figures = [curves("figure-course", alt, lines, metric, markers=True, xlabel="trial")]
    return {"figures": [*figures, _evaluations(result, done)]}


def _values(rows: Sequence[TrialRow]) -> list[float]:
    """Returns the values of trials that have one."""
    return [row.value for row in rows if row.value is not None]


def _evaluations(result: StudyResult, done: Sequence[TrialRow]) -> Markup:
    sign = -1.0 if result.target.bigger else 1.0
    first = sorted(done, key=lambda row: sign * float(row.value or 0.0))[:DRAWN]
    if max(len(row.series) for row in first) < 2:
        return Markup("")
    lines = {f"trial {row.number}": (range(1, len(row.series) + 1), row.series) for row in first}
    alt = f"{result.target.metric} at each evaluation of the {len(first)} best trials"
    return curves(
        "figure-evaluations", alt, lines, result.target.metric, markers=True, xlabel="evaluation"
    )


def _importance(result: StudyResult) -> dict[str, object]:
    shares = result.importances
    if not shares:
        return {"figure": None}
    labels = [result.names[path] for path in shares]
    alt = ", ".join(
        f"{name} {share:.0%}" for name, share in zip(labels, shares.values(), strict=True)
    )
    figure = bars("figure-importance", alt, labels, {"share": list(shares.values())}, "share")
    return {"figure": figure}


def _slices(result: StudyResult) -> dict[str, object]:
    if not result.having(DONE):
        return {"figures": []}
    return {"figures": [_slice(result, at, each) for at, each in enumerate(result.space)]}


def _slice(result: StudyResult, at: int, parameter: Parameter) -> Markup:
    series = {}
    for state in (DONE, PRUNED):
        rows = [row for row in result.having(state) if parameter.path in row.settings]
        places = [row.settings[parameter.path] for row in rows]
        if isinstance(parameter, Choice):
            places = [str(place) for place in places]
        if rows:
            series[state] = (places, _values(rows))
    name = result.names[parameter.path]
    alt = f"{result.target.metric} of each trial over {name}"
    order = list(parameter.values) if isinstance(parameter, Choice) else []
    log = isinstance(parameter, Real | Whole) and parameter.log
    return points(f"figure-slice-{at}", alt, series, name, result.target.metric, order, log)


def _table(result: StudyResult) -> ReportTable:
    head = ["trial", "state", result.target.metric, "step", "time", *result.names.values(), "cause"]
    rows = [
        [
            *(row.number, row.state, row.value, row.step, duration(row.seconds)),
            *(row.settings.get(each.path) for each in result.space),
            row.cause,
        ]
        for row in result.rows
    ]
    return ReportTable("All trials; a pruned one with its last value", head, rows)


def _space(result: StudyResult) -> dict[str, object]:
    rows = [[each.path, str(each)] for each in result.space]
    return {"table": ReportTable("Search space", ["path", "values"], rows), "config": result.config}
