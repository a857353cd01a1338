"""Quality by the most direct reckoning: each query against every item there is, in numpy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.models.assembly import build
from easyrec_lite.models.retrieval.task import retrieval_of
from easyrec_lite.training.weights import load_weights
from tests.e2e.running import SavedModel, read_items, read_rows

Columns = Mapping[str, np.ndarray]
# Columns of rows and of the item table → the vectors of the users and of the items.
Towers = Callable[[Columns, Columns], tuple[np.ndarray, np.ndarray]]
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


def model_ranks(trained: Towers, clicked: Path, items: Path) -> np.ndarray:
    """Returns the true item's rank among all items for each row of `clicked`, by both towers."""
    rows, table = read_rows(clicked), read_items(items, ITEM_FIELDS)
    users, vectors = trained(rows, table)
    return true_ranks(users @ vectors.T, _columns_of(rows, table))


def exported(export: Path) -> Towers:
    """Returns the towers of an export."""
    user, item = (SavedModel(export / f"{side}_tower") for side in ("user", "item"))
    return lambda rows, table: (user(rows)["user_tower_emb"], item(table)["item_tower_emb"])


def stored(pipeline: Pipeline, checkpoint: str) -> Towers:
    """Returns the towers of a checkpoint."""
    parts = build(pipeline)
    load_weights(checkpoint, parts.model, False)
    model = retrieval_of(parts.model)

    def values(columns: Columns, groups: tuple[str, ...]) -> dict[str, FeatureValue]:
        features = parts.features_of(groups)
        wanted = parts.transform.input_fields(features)
        texts = {name: tf.constant(columns[name].astype(str)) for name in wanted}
        return parts.transform(texts, features)

    def vectors(rows: Columns, table: Columns) -> tuple[np.ndarray, np.ndarray]:
        users = model.user_vectors(values(rows, model.user_groups)).vectors[:, 0]
        return users.numpy(), model.item_vectors(values(table, model.item_groups)).numpy()

    return vectors


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
