"""Comparisons of runs, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len

from easyrec_lite.runs.compared_run import ComparedRun
from easyrec_lite.runs.comparison import Comparison, MetricDifference
from easyrec_lite.runs.metric_names import labelled

NOTE = (
    "p: paired randomisation test over users, not corrected for the number of metrics; * below 0.05"
)
SIGNIFICANT = 0.05


def as_text(
    runs: Sequence[ComparedRun], comparisons: Sequence[Comparison], names: Sequence[str] = ()
) -> str:
    """Returns the metrics of all runs, the base first, then each run's differences with it.

    Args:
      runs: the runs.
      comparisons: of the others with the first.
      names: the metrics of the ranking to show; none: all.
    """
    lines = [*_values(runs, names), *_others(runs)]
    for each in comparisons:
        lines += ["", *_compared(each)]
    return "\n".join(lines)


def as_json(runs: Sequence[ComparedRun], comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """Returns the same as `--json` prints it."""
    return {
        "base": runs[0].name,
        "runs": [
            {
                "name": run.name,
                "step": run.step,
                "checkpoint": run.ranking["checkpoint"],
                "protocol": run.ranking["protocol"],
                "full_ranking": run.metrics,
                "metrics": dict(run.others),
            }
            for run in runs
        ],
        "comparisons": [
            {
                "run": each.run.name,
                "base": each.base.name,
                "warnings": each.warnings,
                "refused": each.refused,
                "common_queries": each.common,
                "full_ranking": [vars(metric) for metric in each.metrics],
                "config": [change._asdict() for change in each.config],
            }
            for each in comparisons
        ],
    }


def _values(runs: Sequence[ComparedRun], chosen: Sequence[str]) -> Iterator[str]:
    """Yields a table of the full ranking's metrics for each seen rule."""
    for seen in dict.fromkeys(seen for run in runs for seen in run.metrics):
        found = [run.metrics.get(seen, {}) for run in runs]
        names = dict.fromkeys(name for each in found for name in each)
        shown = [name for name in names if not chosen or name in chosen]
        rows = [[name, *(_number(each.get(name)) for each in found)] for name in shown]
        yield from _table([f"full ranking, seen {seen}", *(run.name for run in runs)], rows)
        yield ""


def _others(runs: Sequence[ComparedRun]) -> list[str]:
    """Returns a table of the other metrics at the steps of the rankings."""
    names = dict.fromkeys(name for run in runs for name in run.others)
    rows = [[labelled(name), *(_number(run.others.get(name)) for run in runs)] for name in names]
    rows.insert(0, ["step", *(f"{run.step:,}" for run in runs)])
    return list(_table(["other metrics", *(run.name for run in runs)], rows))


def _compared(each: Comparison) -> Iterator[str]:
    yield f"{each.run.name} minus {each.base.name}, over {each.common:,} common queries"
    yield from (f"  WARNING: {warning}" for warning in each.warnings)
    yield from (f"  NO TEST, seen {seen}: {why}" for seen, why in each.refused.items())
    rows = [
        [f"  seen {metric.seen}  {metric.name}", *_difference(metric)] for metric in each.metrics
    ]
    yield from _table(["", "difference", "95 % interval", "p"], rows)
    if any(metric.p is not None for metric in each.metrics):
        yield f"  {NOTE}"
    yield f"  config, {each.base.name} → {each.run.name}:" + (
        "" if each.config else " no difference"
    )
    yield from (f"    {path}: {before} → {after}" for path, before, after in each.config)


def _difference(metric: MetricDifference) -> list[str]:
    if metric.difference is None or metric.interval is None or metric.p is None:
        return [f"{metric.run - metric.base:+.5f}", "", ""]
    bounds = "{:+.5f} to {:+.5f}".format(*metric.interval)
    mark = " *" if metric.p < SIGNIFICANT else "  "
    return [f"{metric.difference:+.5f}", bounds, f"{metric.p:.4f}{mark}"]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yields the lines of a table; the first column is aligned to the left."""
    widths = [max(map(cell_len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        padded = [blank + cell for blank, cell in zip(cells[1:], row[1:], strict=True)]
        yield "  ".join([row[0] + cells[0], *padded]).rstrip()
