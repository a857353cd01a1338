"""The rows of a report: the metrics of each scorer, with intervals of them and of differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from easyrec_lite.evaluation.ranking.intervals import interval, resampled_means
from easyrec_lite.evaluation.ranking.ranking import Ranking


def rows(
    rankings: Mapping[str, Ranking],
    seen: Sequence[str],
    seed: int,
    users: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """Returns a row for each scorer and seen rule, as `ranking.json` has them.

    `interval` holds the bounds of each metric that is a mean over queries. In the rows of baselines
    `difference` holds the bounds of the first scorer's metric minus the baseline's.

    Args:
      rankings: scorer → ranking of the same queries, the model first.
      seen: the seen rules.
      seed: of the resamples.
      users: int [S], as of `resampled_means`; of the queries with held-out items.
    """
    made = [
        {"scorer": scorer, "seen": rule, "metrics": ranking.metrics(rule)}
        for scorer, ranking in rankings.items()
        for rule in seen
    ]
    for rule in seen:
        of_rule = [row for row in made if row["seen"] == rule]
        _add_intervals(of_rule, [each.of_queries(rule) for each in rankings.values()], seed, users)
    return made


def _add_intervals(
    made: Sequence[dict[str, Any]],
    values: Sequence[Mapping[str, np.ndarray]],
    seed: int,
    users: np.ndarray | None,
) -> None:
    """Adds the intervals to the rows of a seen rule, from the values of each scorer's queries."""
    names = list(values[0])
    columns = [column for each in values for column in each.values()]
    if not len(columns[0]):
        return
    means = np.split(resampled_means(np.stack(columns, axis=1), seed, users), len(made), axis=1)
    for row, own in zip(made, means, strict=True):
        row["interval"] = _bounds(names, own)
        if row is not made[0]:
            row["difference"] = _bounds(names, means[0] - own)


def _bounds(names: Sequence[str], means: np.ndarray) -> dict[str, list[float]]:
    return dict(zip(names, interval(means).T.tolist(), strict=True))
