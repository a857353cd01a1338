"""What users have seen, and how popular items are, from the training data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from easyrec_lite.data.readers.base import Reader
from easyrec_lite.data.readers.iterate import column_batches
from easyrec_lite.evaluation.ranking.ids import IdLookup, RankingColumns, texts
from easyrec_lite.evaluation.ranking.sets import ABSENT, ItemSets
from easyrec_lite.training.input import COUNTED_ROWS


@dataclass(frozen=True)
class InteractionHistory:
    """The interactions of Q queries' users and M items before the held-out rows.

    Attributes:
      counts: int64 [M], the number of positive rows of each item.
      seen: the numbers of the items of each query's user's positive rows.
      known: bool [Q], whether the user has any row.
    """

    counts: np.ndarray
    seen: ItemSets
    known: np.ndarray


def read_history(
    reader: Reader, fields: RankingColumns, items: np.ndarray, users: list[str]
) -> InteractionHistory:
    """Reads the interactions.

    Args:
      reader: reads the columns of `fields`.
      fields: the columns of ids.
      items: text [M], item ids.
      users: text [Q], user ids; '' has seen nothing.

    Raises:
      DataError: it cannot be read.
    """
    # Many queries share a user: sets are made once a name, and `codes` hands them to the queries.
    codes, names = pd.factorize(np.array(users, object))
    numbers, user_numbers = IdLookup(items), IdLookup(names)
    counts, known = np.zeros(len(items), np.int64), np.zeros(len(names), bool)
    pairs = [np.empty((0, 2), np.int64)]
    for columns in column_batches(reader, COUNTED_ROWS):
        own = numbers(fields.items(columns))
        positive = fields.positive(columns, len(own)) & (own >= 0)
        counts += np.bincount(own[positive], minlength=len(items))
        if fields.user:
            ids = texts(fields.user, columns[fields.user])
            who = np.where(ids == "", ABSENT, user_numbers(ids))
            known[who[who >= 0]] = True
            both = positive & (who >= 0)
            pairs.append(np.unique(np.stack([who[both], own[both]], axis=1), axis=0))
    joined = np.concatenate(pairs)
    seen = ItemSets.of_pairs(joined[:, 0], joined[:, 1], len(names))
    return InteractionHistory(counts, seen.take(codes), known[codes])
