"""Quality by the most direct reckoning: each query against every item there is, in numpy."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from tests.e2e.running import SavedModel, read_items, read_rows

ITEM_FIELDS = ["adgroup_id", "cate_id", "campaign_id", "customer", "brand"]


def true_ranks(scores: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Returns [Q], how many of M items score above the true one; a tie counts half.

    Args:
      scores: [Q, M] or, the same for all queries, [M].
      true: int [Q], column of the item that was clicked.
    """
    scores = np.broadcast_to(scores, (len(true), scores.shape[-1]))
    own = scores[np.arange(len(true)), true][:, None]
    return (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2


def recall(ranks: np.ndarray, k: int) -> float:
    """Returns the share of queries whose true item is among the first k."""
    return float((ranks < k).mean())


def model_ranks(export: Path, clicked: Path, items: Path) -> np.ndarray:
    """Returns the true item's rank among all items for each row of `clicked`, by both towers."""
    rows, table = read_rows(clicked), read_items(items, ITEM_FIELDS)
    users = SavedModel(export / "user_tower")(rows)["user_tower_emb"]
    vectors = SavedModel(export / "item_tower")(table)["item_tower_emb"]
    return true_ranks(users @ vectors.T, _columns_of(rows, table))


def popularity_ranks(seen: Path, clicked: Path, items: Path) -> np.ndarray:
    """Returns the same ranks when an item's score is its number of rows in `seen`."""
    rows, table = read_rows(clicked), read_items(items, ITEM_FIELDS)
    counts = Counter(read_rows(seen)["adgroup_id"].tolist())
    scores = np.array([counts[item] for item in table["adgroup_id"].tolist()])
    return true_ranks(scores, _columns_of(rows, table))


def _columns_of(rows: dict[str, np.ndarray], table: dict[str, np.ndarray]) -> np.ndarray:
    column = {item: at for at, item in enumerate(table["adgroup_id"].tolist())}
    return np.array([column[item] for item in rows["adgroup_id"].tolist()])


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Returns the share of pairs (clicked, not clicked) in right order; a tie counts half."""
    clicked, others = np.sort(scores[labels > 0]), np.sort(scores[labels <= 0])
    below = np.searchsorted(others, clicked, "left")
    equal = np.searchsorted(others, clicked, "right") - below
    return float((below + equal / 2).mean() / len(others))
