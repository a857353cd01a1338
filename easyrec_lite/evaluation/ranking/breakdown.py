"""Metrics of groups of held-out items: by popularity, by a column, of new users and items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from easyrec_lite.evaluation.ranking.metrics import mean_metrics
from easyrec_lite.evaluation.ranking.ranking import Ranking

DECILES = 10
MOST_VALUES = 20


@dataclass(frozen=True)
class HeldOutLabels:
    """The labels of the held-out items, which divide them into groups.

    Attributes:
      by: what the label is, such as a column.
      values: object [H] of text.
    """

    by: str
    values: np.ndarray


def groups(ranking: Ranking, labels: HeldOutLabels) -> list[dict[str, object]]:
    """Returns the metrics of each label's held-out items, as `ranking.json` has them.

    The lists contain all items. A query counts in each group of which it has a held-out item, and
    there only with the held-out items of that group. The most frequent label comes first; labels
    that are numbers come in their order. Of more than `MOST_VALUES` labels, the rarest form one
    group.
    """
    codes, names = pd.factorize(labels.values)
    sizes = np.bincount(codes, minlength=len(names))
    order = np.lexsort((names.astype(str), -sizes)) if len(names) else np.empty(0, np.int64)
    shown = order[:MOST_VALUES]
    if all(str(names[code]).isdecimal() for code in shown):
        shown = np.array(sorted(shown, key=lambda code: int(names[code])), np.int64)
    parts = [(str(names[code]), codes == code) for code in shown]
    if len(order) > len(shown):
        name = f"({len(order) - len(shown)} other values)"
        parts.append((name, ~np.isin(codes, shown)))
    return [
        _group(ranking, seen, labels.by, name, part)
        for seen in ranking.outcomes
        for name, part in parts
    ]


def _group(ranking: Ranking, seen: str, by: str, name: str, part: np.ndarray) -> dict[str, object]:
    places, queries = ranking.outcomes[seen].places[part], ranking.held_out.queries[part]
    return {
        "by": by,
        "value": name,
        "seen": seen,
        "queries": len(np.unique(queries)),
        "held_out": len(queries),
        "metrics": mean_metrics(places, queries, ranking.ks),
    }


def deciles(popularity: np.ndarray) -> np.ndarray:
    """Returns int64 [M], the decile of each item: 0 for the most popular tenth, to 9.

    Args:
      popularity: [M]; of equally popular items, the first in the table counts as more popular.
    """
    order = np.argsort(-np.asarray(popularity, np.float64), kind="stable")
    decile = np.empty(len(order), np.int64)
    decile[order] = np.arange(len(order)) * DECILES // max(len(order), 1)
    return decile


def decile_counts(decile: np.ndarray, counts: np.ndarray) -> list[int]:
    """Returns the sum of the counts in each decile, the most popular first.

    Args:
      decile: int [M].
      counts: int [M].
    """
    return np.bincount(decile, counts, DECILES).astype(int).tolist()


def item_labels(
    items: np.ndarray, values: Sequence[str] | np.ndarray, absent: str | None
) -> np.ndarray:
    """Returns object [H], the value of each item; `absent` for an item that is not in the table.

    Args:
      items: int [H], the numbers of items, or `ABSENT`.
      values: text [M].
      absent: the label of `ABSENT`.
    """
    return np.array([*values, absent], object)[items]
