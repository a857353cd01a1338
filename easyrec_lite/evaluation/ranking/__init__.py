"""Ranking among all items: metrics of exact top-K lists, in numpy, without TensorFlow.

`rank` scores every item for every query and measures the lists; `rank_popularity` and
`rank_random` give the rows to hold beside them. Symbols: Q queries, M items, D width, H held-out
items of all queries together, K length of a list.
"""

from easyrec_lite.checks.ranking import EXCLUDED, KEPT
from easyrec_lite.evaluation.ranking.baselines import rank_popularity, rank_random
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
    "rank_popularity",
    "rank_random",
    "rank_scores",
]
