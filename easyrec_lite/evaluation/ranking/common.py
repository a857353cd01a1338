"""The queries that two rankings have in common, and their metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from easyrec_lite.evaluation.ranking.metrics import query_metrics
from easyrec_lite.evaluation.ranking.outcomes import QueryOutcomes

# The user, how many queries of the user came before, and the held-out items.
Key = tuple[str, int, tuple[str, ...]]


class RankedQueries:
    """The S queries of a ranking that have held-out items, by ascending number.

    Args:
      outcomes: the places of their held-out items.

    Attributes:
      keys: what tells each query from the others.
      users: object [S] of text.
    """

    def __init__(self, outcomes: QueryOutcomes):
        self._outcomes = outcomes
        _, starts = np.unique(outcomes.queries, return_index=True)
        self.users = outcomes.users[starts]
        earlier = pd.Series(self.users).groupby(self.users).cumcount().tolist()
        items = np.split(outcomes.items, starts[1:]) if len(starts) else []
        self.keys: list[Key] = [
            (user, before, tuple(sorted("" if item is None else item for item in own)))
            for user, before, own in zip(self.users, earlier, items, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.keys)

    def values(self, seen: str, ks: Sequence[int]) -> dict[str, np.ndarray]:
        """Returns name@K → float64 [S] under a seen rule."""
        places, queries = self._outcomes.places[seen], self._outcomes.queries
        return {
            f"{name}@{k}": values
            for k in ks
            for name, values in query_metrics(places, queries, k).items()
        }


@dataclass(frozen=True)
class CommonQueries:
    """The P queries of two rankings with one user and the same held-out items.

    Attributes:
      first, second: int [P], their places in each ranking.
      users: int [P], as of `resampled_means`.
    """

    first: np.ndarray
    second: np.ndarray
    users: np.ndarray

    def __len__(self) -> int:
        return len(self.first)


def common_queries(first: RankedQueries, second: RankedQueries) -> CommonQueries:
    """Returns the queries that two rankings have in common, in the order of the first.

    With one query a row, the n-th query of a user is compared with the user's n-th.
    """
    places = {key: place for place, key in enumerate(second.keys)}
    pairs = [(place, places[key]) for place, key in enumerate(first.keys) if key in places]
    ours, theirs = np.array(pairs, np.int64).reshape(-1, 2).T
    return CommonQueries(ours, theirs, user_codes(first.users)[ours])


def user_codes(users: Sequence[str] | np.ndarray) -> np.ndarray:
    """Returns int64 [Q], a number for each user's name [Q]; '' is another user each time."""
    names = np.array(users, object)
    codes, _ = pd.factorize(names)
    return np.where(names == "", len(codes) + np.arange(len(codes)), codes).astype(np.int64)
