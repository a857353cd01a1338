"""The held-out ratings of MovieLens: each user's last one, the test rows of NCF, or SASRec's split.

NCF is the leave-one-out split of He et al., WWW 2017, whose results many papers repeat. Its files
number users and movies from 0, in the order in which they first occur in the ratings file.

SASRec (Kang and McAuley, ICDM 2018) takes all ratings as positives, and leaves out users and movies
with fewer than five: once, both counted before. Each user's movies are in order of time, those of
one second in the order of the file.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.datasets.archive import Archive

SPLITS = ("last", "ncf", "sasrec")
LEAST_RATINGS = 5
NCF_TEST = ("ncf_test_rating.tsv", "ml-1m.test.rating")
NCF_COLUMNS = ("user", "item", "rating", "timestamp")


def first_named(values: np.ndarray) -> np.ndarray:
    """Returns the different values in the order of their first occurrence.

    Args:
      values: [R].
    """
    unique, first = np.unique(values, return_index=True)
    return unique[np.argsort(first)]


def last_ratings(user: np.ndarray) -> np.ndarray:
    """Returns bool [R], true for the last row of each user who has more than one.

    Args:
      user: int64 [R], sorted by user, then by time.
    """
    is_last = np.append(user[1:] != user[:-1], True)
    is_first = np.append(True, user[1:] != user[:-1])
    return is_last & ~is_first


def ncf_ratings(
    archive: Archive, user: np.ndarray, movie: np.ndarray, time: np.ndarray
) -> np.ndarray:
    """Returns bool [R], true for the ratings in the test file of NCF.

    Args:
      archive: contains `ncf_test_rating.tsv`, or `ml-1m.test.rating`, its published name.
      user: int64 [R], in the order of the ratings file, as are movie and time.
      movie: int64 [R].
      time: int64 [R], seconds.

    Raises:
      DataError: there is no such file; a row is no rating; or a row is not of its user's last
        second, so that it would be in the histories of training rows.
    """
    name = next((name for name in NCF_TEST if name in archive), NCF_TEST[0])
    table = archive.table(name, "\t", NCF_COLUMNS)
    numbers = [_numbers(name, table[column]) for column in NCF_COLUMNS[:2]]
    span = int(max(movie.max(), 0)) + 1
    named = [first_named(user), first_named(movie)]
    outside = [
        (number < 0) | (number >= len(ids)) for number, ids in zip(numbers, named, strict=True)
    ]
    _refuse(name, outside[0] | outside[1], table, "is no user and movie of the ratings")
    pairs = named[0][numbers[0]] * span + named[1][numbers[1]]
    ratings = user * span + movie
    _refuse(name, ~np.isin(pairs, ratings), table, "is no rating")
    held_out = np.isin(ratings, pairs)
    latest = np.full(int(user.max()) + 1, np.iinfo(np.int64).min)
    np.maximum.at(latest, user, time)
    early = ratings[held_out & (time < latest[user])]
    _refuse(name, np.isin(pairs, early), table, "is not of its user's last second")
    return held_out


def sasrec_order(user: np.ndarray, movie: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Returns int64 [S], the ratings of SASRec's split, by user, then by time.

    Args:
      user: int64 [R], ≥ 0, in the order of the ratings file, as are movie and time.
      movie: int64 [R], ≥ 0.
      time: int64 [R], seconds.
    """
    often = [np.bincount(ids)[ids] >= LEAST_RATINGS for ids in (user, movie)]
    order = np.lexsort((time, user))  # stable, so that ties stay in the order of the file
    return order[(often[0] & often[1])[order]]


def _numbers(name: str, column: pa.ChunkedArray) -> np.ndarray:
    try:
        return pc.cast(column, pa.int64()).to_numpy()
    except pa.ArrowInvalid as error:
        raise DataError(Problem(str(error), Place(name), expected="whole numbers")) from error


def _refuse(name: str, wrong: np.ndarray, table: pa.Table, message: str) -> None:
    rows = np.flatnonzero(wrong)
    if not len(rows):
        return
    raise DataError(
        [
            Problem(
                f"user {table['user'][row]}, item {table['item'][row]} {message}",
                Place(name, int(row) + 1),
                expected="a test row of the same ratings file",
                remedy="take the test file that was made from these ratings",
            )
            for row in rows[:20].tolist()
        ]
    )
