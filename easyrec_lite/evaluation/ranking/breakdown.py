"""Metrics of parts of the held-out items: by popularity, by a column, of new users and items."""

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
    """A way to part held-out items: the label of each.

    Attributes:
      by: what the labels are values of.
      values: object [H] of text.
    """

    by: str
    values: np.ndarray


def groups(ranking: Ranking, labels: HeldOutLabels) -> list[dict[str, object]]:
    """Returns the metrics of each label's held-out items, as `ranking.json` has them.

    The lists are those of all items; a query counts in each group of which it has a held-out item,
    and there only with those. The most frequent label comes first, but numbers in their order; of
    more than `MOST_VALUES` labels the rarest are one group.
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
    """Returns int64 [M]: 0 for the tenth of the items that is most popular, to 9.

    Args:
      popularity: [M]; of equal items the first in the table count as more popular.
    """
    order = np.argsort(-np.asarray(popularity, np.float64), kind="stable")
    found = np.empty(len(order), np.int64)
    found[order] = np.arange(len(order)) * DECILES // max(len(order), 1)
    return found


def decile_counts(decile: np.ndarray, counts: np.ndarray) -> list[int]:
    """Returns how many of the counted items are of each decile, the most popular first.

    Args:
      decile: int [M].
      counts: int [M].
    """
    return np.bincount(decile, counts, DECILES).astype(int).tolist()


def item_labels(items: np.ndarray, values: Sequence[str] | np.ndarray, absent: str) -> np.ndarray:
    """Returns object [H], the value of each item; `absent` for one that the table lacks.

    Args:
      items: int [H], numbers of items, `ABSENT` among them.
      values: text [M].
      absent: the label of `ABSENT`.
    """
    return np.append(np.asarray(values, object), absent)[items]
