"""What a ranking of all items reports: seen rules, lengths of lists, names of metrics."""

from __future__ import annotations

from collections.abc import Sequence

# Whether the items that a user has seen may stand in a list.
EXCLUDED, KEPT = "excluded", "kept"
DEFAULT_KS = (10, 50, 100)
# Metrics of one query's list, and of all lists together.
QUERY_METRICS = ("hit_rate", "recall", "ndcg", "mrr", "map")
LIST_METRICS = ("coverage", "entropy")


def metric_names(ks: Sequence[int]) -> list[str]:
    """Returns the names of all metrics of lists of these lengths, such as `ndcg@10`."""
    return [f"{name}@{k}" for k in ks for name in (*QUERY_METRICS, *LIST_METRICS)]
