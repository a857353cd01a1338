"""Metrics of ranked lists, from the places of held-out items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from easyrec_lite.checks.ranking import QUERY_METRICS

# The place of an item that is in no list.
NOWHERE = np.iinfo(np.int64).max


def query_metrics(places: np.ndarray, queries: np.ndarray, k: int) -> dict[str, np.ndarray]:
    """Returns the metrics at K of each query that has a held-out item.

    A query has R held-out items of relevance 1; places count from 0.
    - hit rate: whether one of them is among the first K.
    - recall: the share of R that is.
    - NDCG: Σ 1 / log2(place + 2) over those, divided by the sum of the best list, where they have
      the first min(K, R) places.
    - MRR: 1 / (place + 1) of the first of them, else 0.
    - MAP: the sum of the precisions at their places, divided by min(K, R).

    Args:
      places: int64 [H], the place of each held-out item in its query's list, from 0; `NOWHERE` if
        it is not in the list.
      queries: int64 [H], the query of each.
      k: K.

    Returns:
      name → float64 [S], by ascending number of query.
    """
    if not len(places):
        return {name: np.empty(0) for name in QUERY_METRICS}
    # A query's held-out items side by side, the best place first: `starts` is where each query
    # begins.
    order = np.lexsort((places, queries))
    places, queries = places[order], queries[order]
    starts = np.flatnonzero(np.concatenate([[True], queries[1:] != queries[:-1]]))
    relevant = np.diff(np.append(starts, len(places)))
    found = places < k
    place = np.where(found, places, 0)
    # The how many-th held-out item of its query each one is, from 1: the numerator of a precision.
    nth = np.arange(len(places)) - np.repeat(starts, relevant) + 1
    best = np.minimum(relevant, k)
    # The DCG of a list whose first 1, 2, … places are held-out items.
    gains = np.cumsum(1 / np.log2(np.arange(best.max()) + 2))
    hits = np.add.reduceat(found.astype(np.float64), starts)
    return {
        "hit_rate": (hits > 0).astype(np.float64),
        "recall": hits / relevant,
        "ndcg": np.add.reduceat(found / np.log2(place + 2), starts) / gains[best - 1],
        "mrr": np.where(found[starts], 1 / (place[starts] + 1), 0.0),
        "map": np.add.reduceat(found * nth / (place + 1), starts) / best,
    }


def mean_metrics(places: np.ndarray, queries: np.ndarray, ks: Sequence[int]) -> dict[str, float]:
    """Returns name@K → mean over the queries that have a held-out item; {} when none has."""
    if not len(places):
        return {}
    return {
        f"{name}@{k}": float(values.mean())
        for k in ks
        for name, values in query_metrics(places, queries, k).items()
    }


def list_metrics(counts: np.ndarray) -> dict[str, float]:
    """Returns metrics of the lists of all queries together.

    Args:
      counts: int64 [M], how many lists contain each item.

    Returns:
      coverage: the share of items that are in a list; entropy: of the items' shares of all places,
      in nats: log M if all items are recommended equally often, 0 if only one is.
    """
    total = counts.sum()
    if not total:
        return {"coverage": 0.0, "entropy": 0.0}
    shares = counts[counts > 0] / total
    entropy = float((shares * np.log(1 / shares)).sum())
    return {"coverage": float(np.mean(counts > 0)), "entropy": entropy}
