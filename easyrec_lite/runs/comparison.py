"""The comparison of two runs: protocols, metrics with a paired test, configs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from easyrec_lite.checks.ranking import QUERY_METRICS
from easyrec_lite.config.differences import Difference, differences
from easyrec_lite.evaluation.ranking.common import CommonQueries, common_queries
from easyrec_lite.evaluation.ranking.paired import paired_test
from easyrec_lite.runs.compared_run import ComparedRun

# Entries of a protocol that must be equal, and what differs if they are not.
SAME_ITEMS = ("items", "items_digest")
SAME_SEEN = ("seen_digest",)
SAME_QUERIES = ("query", "item_id")
# What of a protocol must be equal, what a warning calls it, and how it shows both.
TOLD = (
    (SAME_ITEMS, "item tables", "{items} items of {item_table}"),
    (SAME_SEEN, "seen data", "{seen_rows} rows, {seen_rule}"),
    (SAME_QUERIES, "queries", "{query}, and items by {item_id}"),
    (("seen",), "seen rules", "{seen}"),
)
# A field that only says where a run is.
PLACES = ("model_dir",)


@dataclass(frozen=True)
class MetricDifference:
    """A metric of a run minus that of the base, over their common queries.

    Attributes:
      seen: the seen rule.
      name: such as `recall@50`.
      base: the base's value in its own ranking.
      run: the run's.
      difference: their difference over the common queries; None without a test.
      interval: the bounds of the difference; None without a test.
      p: of the paired test; None without one.
    """

    seen: str
    name: str
    base: float
    run: float
    difference: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None


@dataclass(frozen=True)
class Comparison:
    """A run beside the base.

    Attributes:
      base: the first run.
      run: the other.
      warnings: where their protocols or data differ.
      refused: why there is no paired test; seen rule → reason.
      common: how many queries they have in common.
      metrics: of the full ranking, those that both have.
      config: the differences of their configs.
    """

    base: ComparedRun
    run: ComparedRun
    warnings: list[str]
    refused: dict[str, str]
    common: int
    metrics: list[MetricDifference]
    config: list[Difference]


def compare_runs(base: ComparedRun, run: ComparedRun, names: Sequence[str] = ()) -> Comparison:
    """Returns the comparison of a run with the base.

    Args:
      base, run: the runs.
      names: the metrics to compare, such as `recall@50`; none: all that both have.
    """
    common = common_queries(base.queries, run.queries)
    rules = [seen for seen in base.metrics if seen in run.metrics]
    refused = {seen: why for seen in rules if (why := _refusal(base, run, common, seen))}
    metrics = [
        each
        for seen in rules
        for each in _metrics(base, run, common, seen, names, tested=seen not in refused)
    ]
    config = [
        each
        for each in differences(base.pipeline.config, run.pipeline.config)
        if each.path not in PLACES
    ]
    return Comparison(
        base, run, list(_warnings(base, run, common)), refused, len(common), metrics, config
    )


def _differ(base: ComparedRun, run: ComparedRun, entries: Sequence[str]) -> bool:
    protocols = [each.ranking["protocol"] for each in (base, run)]
    return any(protocols[0].get(entry) != protocols[1].get(entry) for entry in entries)


def _refusal(base: ComparedRun, run: ComparedRun, common: CommonQueries, seen: str) -> str:
    """Returns why the differences under a seen rule cannot be tested, '' if they can."""
    if _differ(base, run, SAME_ITEMS):
        return "the item tables differ, so that the lists are of other items"
    if _differ(base, run, SAME_QUERIES):
        return "a query is not the same in both rankings"
    if seen == "excluded" and _differ(base, run, SAME_SEEN):
        return "the seen data differ, so that other items are left out of the lists"
    if not len(common):
        return "no query is common: none has the same user and held-out items in both"
    return ""


def _warnings(base: ComparedRun, run: ComparedRun, common: CommonQueries) -> Iterator[str]:
    """Yields where the protocols differ, with both values."""
    protocols = [each.ranking["protocol"] for each in (base, run)]
    for entries, what, shown in TOLD:
        if _differ(base, run, entries):
            values = [
                shown.format_map({name: _shown(v) for name, v in p.items()}) for p in protocols
            ]
            yield f"the {what} differ: {base.name} has {values[0]}; {run.name} has {values[1]}"
    sizes = len(base.queries), len(run.queries)
    if not sizes[0] == sizes[1] == len(common):
        parts = [
            f"{size:,} queries of {each.name} ({protocol['data']})"
            for size, each, protocol in zip(sizes, (base, run), protocols, strict=True)
        ]
        yield f"the held-out data differ: {', '.join(parts)}, {len(common):,} in common"


def _shown(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


def _metrics(
    base: ComparedRun,
    run: ComparedRun,
    common: CommonQueries,
    seen: str,
    names: Sequence[str],
    tested: bool,
) -> list[MetricDifference]:
    ours, theirs = run.metrics[seen], base.metrics[seen]
    shown = [name for name in theirs if name in ours and (not names or name in names)]
    means = [name for name in shown if name.partition("@")[0] in QUERY_METRICS] if tested else []
    found: dict[str, dict[str, Any]] = {}
    if means:
        values = [
            _stacked(each, seen, means)[places]
            for each, places in ((base, common.first), (run, common.second))
        ]
        test = paired_test(values[1] - values[0], base.ranking["protocol"]["seed"], common.users)
        columns = zip(test.difference, test.low, test.high, test.p, strict=True)
        for name, (difference, low, high, p) in zip(means, columns, strict=True):
            bounds = (float(low), float(high))
            found[name] = {"difference": float(difference), "interval": bounds, "p": float(p)}
    return [
        MetricDifference(seen, name, theirs[name], ours[name], **found.get(name, {}))
        for name in shown
    ]


def _stacked(run: ComparedRun, seen: str, names: Sequence[str]) -> np.ndarray:
    """Returns float64 [S, C], the metrics of each query of a run."""
    ks = sorted({int(name.partition("@")[2]) for name in names})
    values: Mapping[str, np.ndarray] = run.queries.values(seen, ks)
    return np.stack([values[name] for name in names], axis=1)
