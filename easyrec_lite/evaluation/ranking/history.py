"""What users have seen, and how popular items are, from the training data."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from easyrec_lite.core.errors import Place, Problem
from easyrec_lite.data.readers.base import Reader
from easyrec_lite.data.readers.iterate import column_batches
from easyrec_lite.data.tables.joins import likely_cause, unknown_problem
from easyrec_lite.evaluation.ranking.ids import IdLookup, RankingColumns, texts
from easyrec_lite.evaluation.ranking.sets import ABSENT, ItemSets
from easyrec_lite.training.input import COUNTED_ROWS

# How many unknown ids are looked at, to tell what is wrong with them.
EXAMPLES = 1000


@dataclass(frozen=True)
class InteractionHistory:
    """The interactions of Q queries' users and M items before the held-out rows.

    Attributes:
      counts: int64 [M], the number of positive rows of each item.
      seen: the numbers of the items of each query's user's positive rows.
      known: bool [Q], whether the user has any row.
      rows: the number of positive rows.
      all_rows: the number of rows.
      unknown: how many of them have an item that is none of the M.
      examples: some ids of such items.
      strangers: some users of rows who are none of the queries'.
      everyone: the numbers of the items of each user's positive rows, in no order of the users;
        None if not asked for.
    """

    counts: np.ndarray
    seen: ItemSets
    known: np.ndarray
    rows: int
    all_rows: int
    unknown: int
    examples: Sequence[str]
    strangers: Sequence[str]
    everyone: ItemSets | None = None

    def problems(
        self, items: np.ndarray, users: Collection[str], place: Place
    ) -> Iterator[Problem]:
        """Yields a problem where the rows join hardly any of the items, or none of the users.

        That no item joins is an error; of users, if the ids differ in their form alone: otherwise
        all users may be new.

        Args:
          items: text [M].
          users: the names of the queries' users; none where no column names the user.
          place: the files.
        """
        what = "rows of the seen data have items that the item table"
        problem = unknown_problem(what, self.examples, self.unknown, self.rows, items, place)
        if problem:
            yield problem
        if not users or self.known.any() or not self.strangers:
            return
        cause = likely_cause(self.strangers, users)
        yield Problem(
            f"none of the {len(users):,} users of the evaluation data is in the seen data, so that "
            "no seen item is left out" + (f": their ids differ in {cause}" if cause else ""),
            place,
            expected="ids such as " + ", ".join(map(repr, list(users)[:3])),
            found=", ".join(map(repr, self.strangers[:3])),
            remedy="correct full_ranking.seen_path or user_id, or write the ids alike",
            severity="error" if cause else "warning",
        )


def read_history(
    reader: Reader,
    fields: RankingColumns,
    items: np.ndarray,
    users: list[str],
    everyone: bool = False,
) -> InteractionHistory:
    """Reads the interactions.

    Args:
      reader: reads the columns of `fields`.
      fields: the columns of ids.
      items: text [M], item ids.
      users: text [Q], user ids; '' has seen nothing.
      everyone: whether to return the items of all users.

    Raises:
      DataError: it cannot be read.
    """
    # Many queries share a user: sets are made once a name, and `codes` hands them to the queries.
    codes, names = pd.factorize(np.array(users, object))
    numbers, user_numbers = IdLookup(items), IdLookup(names)
    counts, known = np.zeros(len(items), np.int64), np.zeros(len(names), bool)
    pairs = [np.empty((0, 2), np.int64)]
    all_pairs = [np.empty((0, 2), np.int64)]
    rows = all_rows = unknown = 0
    examples: dict[str, None] = {}
    strangers: dict[str, None] = {}
    for columns in column_batches(reader, COUNTED_ROWS):
        given = fields.items(columns)
        own = numbers(given)
        positive = fields.positive(columns, len(own))
        lost = given[positive & (own < 0)]
        rows, unknown = rows + int(positive.sum()), unknown + len(lost)
        all_rows += len(own)
        if len(examples) < EXAMPLES:
            examples |= dict.fromkeys(lost[:EXAMPLES].tolist())
        positive &= own >= 0
        counts += np.bincount(own[positive], minlength=len(items))
        if fields.user:
            ids = texts(fields.user, columns[fields.user])
            who = np.where(ids == "", ABSENT, user_numbers(ids))
            known[who[who >= 0]] = True
            if len(strangers) < EXAMPLES:
                strangers |= dict.fromkeys(ids[(who < 0) & (ids != "")][:EXAMPLES].tolist())
            if everyone:
                named = positive & (ids != "")
                all_pairs.append(np.stack([_hashes(ids[named]), own[named]], axis=1))
            both = positive & (who >= 0)
            pairs.append(np.unique(np.stack([who[both], own[both]], axis=1), axis=0))
    joined = np.concatenate(pairs)
    seen = ItemSets.of_pairs(joined[:, 0], joined[:, 1], len(names))
    return InteractionHistory(
        counts,
        seen.take(codes),
        known[codes],
        rows,
        all_rows,
        unknown,
        list(examples),
        list(strangers),
        _sets(np.concatenate(all_pairs)) if everyone else None,
    )


def _hashes(ids: np.ndarray) -> np.ndarray:
    """Returns int64 [B], the hashes of texts [B], which stand for users of any number."""
    return pd.util.hash_array(ids, categorize=False).view(np.int64)


def _sets(pairs: np.ndarray) -> ItemSets:
    """Returns the items [P, 1] of each user [P, 0] of P pairs."""
    users, codes = np.unique(pairs[:, 0], return_inverse=True)
    return ItemSets.of_pairs(codes.reshape(-1), pairs[:, 1], len(users))
