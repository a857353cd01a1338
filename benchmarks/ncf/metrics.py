"""Metrics of held-out items: among NCF's negatives, and among all items."""

from __future__ import annotations

import numpy as np

from benchmarks.ncf.held_out import HeldOut
from easyrec_lite.evaluation.ranking import EXCLUDED, KEPT, ItemSets, rank

TOP = (10, 20, 50, 100)
NCF_TOP = 10
QUERIES_AT_ONCE = 1024


def measure(queries: np.ndarray, items: np.ndarray, held_out: HeldOut) -> dict[str, float]:
    """Returns all metrics of the study, of scores that are inner products.

    `ncf_…` among NCF's negatives; `kept_…` among all items; `excluded_…` among those that the user
    had not rated in training.

    Args:
      queries: float32 [Q, D].
      items: float32 [M, D].
      held_out: the Q queries.

    Raises:
      RunError: a vector is not finite.
    """
    true = ItemSets(np.arange(len(held_out.true) + 1), held_out.true)
    ranking = rank(queries, items, true, held_out.seen, TOP)
    found = ncf_metrics(ncf_ranks(queries, items, held_out))
    for name, rule in (("kept", KEPT), ("excluded", EXCLUDED)):
        metrics = ranking.metrics(rule)
        found |= {f"{name}_hr@{k}": metrics[f"hit_rate@{k}"] for k in TOP}
        found[f"{name}_ndcg@10"] = metrics["ndcg@10"]
    return found


def ncf_ranks(queries: np.ndarray, items: np.ndarray, held_out: HeldOut) -> np.ndarray:
    """Returns float [Q], how many of NCF's negatives score above the held-out item.

    One that ties with it counts half. The held-out item, where it is among its own negatives, is
    left out of them, as in NCF's own evaluation.
    """
    ranks = np.empty(len(queries))
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        block = slice(start, start + QUERIES_AT_ONCE)
        true, negatives = held_out.true[block, None], held_out.negatives[block]
        scores = queries[block] @ items.T
        own, others = (np.take_along_axis(scores, which, 1) for which in (true, negatives))
        beats = (others > own) + 0.5 * (others == own)
        ranks[block] = np.where(negatives == true, 0, beats).sum(axis=1)
    return ranks


def ncf_metrics(ranks: np.ndarray) -> dict[str, float]:
    """Returns hit rate and NDCG at 10 of ranks float [Q] that count from 0."""
    inside = ranks < NCF_TOP
    gains = np.where(inside, 1 / np.log2(ranks + 2), 0.0)
    return {"ncf_hr@10": float(inside.mean()), "ncf_ndcg@10": float(gains.mean())}
