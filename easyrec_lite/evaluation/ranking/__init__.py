"""Ranking among all items: metrics of exact top-K lists, in NumPy, without TensorFlow.

`rank` scores every item for every query and measures the lists; `rank_popularity`, `rank_item_knn`
and `rank_random` are the baselines. Symbols: Q queries, M items, D width, H held-out items of all
queries, K length of a list.

    >>> import numpy as np
    >>> from easyrec_lite.evaluation.ranking import KEPT, rank
    >>> users, items = np.eye(2, 3), np.eye(4, 3)
    >>> held_out, seen = [[0], [3]], [[], []]
    >>> rank(users, items, held_out, seen, [1]).metrics(KEPT)["hit_rate@1"]
    0.5
"""

from easyrec_lite.checks.ranking import EXCLUDED, KEPT
from easyrec_lite.evaluation.ranking.baselines import rank_item_knn, rank_popularity, rank_random
from easyrec_lite.evaluation.ranking.ranking import SEEN_RULES, Ranking, rank, rank_scores
from easyrec_lite.evaluation.ranking.sets import ABSENT, ItemSets
from easyrec_lite.evaluation.ranking.ties import TIES

__all__ = [
    "ABSENT",
    "EXCLUDED",
    "KEPT",
    "SEEN_RULES",
    "TIES",
    "ItemSets",
    "Ranking",
    "rank",
    "rank_item_knn",
    "rank_popularity",
    "rank_random",
    "rank_scores",
]
