"""The held-out ratings of NCF's leave-one-out split, their 99 negatives, and what users had seen.

Symbols: Q queries (one a user), M items (those with a rating, 3,706 in MovieLens-1M).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from easyrec_lite.datasets.archive import Archive
from easyrec_lite.datasets.movielens import COLUMNS
from easyrec_lite.datasets.movielens_split import NCF_COLUMNS, NCF_TEST
from easyrec_lite.evaluation.ranking import ItemSets

NEGATIVES = ("ncf_test_negative.tsv", "ml-1m.test.negative")


@dataclass(frozen=True)
class HeldOut:
    """Q held-out ratings, in the order of the rows of `test.csv`.

    Attributes:
      users: text [Q], user ids.
      items: text [M], movie ids.
      true: int64 [Q], column of the held-out item in `items`.
      negatives: int64 [Q, 99], columns of NCF's negatives.
      seen: for each query the columns of the items that its user rated in training.
    """

    users: np.ndarray
    items: np.ndarray
    true: np.ndarray
    negatives: np.ndarray
    seen: ItemSets

    def save(self, path: Path) -> None:
        """Writes it to a `.npz` file."""
        arrays = {"users": self.users, "items": self.items, "true": self.true}
        seen = {"seen_offsets": self.seen.offsets, "seen_items": self.seen.items}
        arrays |= {"negatives": self.negatives, **seen}
        # NumPy 2 declares a flag beside the arrays; NumPy 1 would store it as one.
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]

    @staticmethod
    def load(path: Path) -> HeldOut:
        """Reads what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            given = dict(file)
        seen = ItemSets(given.pop("seen_offsets"), given.pop("seen_items"))
        return HeldOut(**given, seen=seen)


def read_held_out(source: Path, folder: Path) -> HeldOut:
    """Reads the raw data set in `source` and the rows that were made of it in `folder`.

    Raises:
      DataError: files are missing or bad.
    """
    archive = Archive(source)
    ratings = archive.table("ratings.dat", "::", ("user", "movie", "rating", "timestamp"))
    users = _first_named(ratings["user"])
    items = _first_named(ratings["movie"])
    queries, true = _pairs(folder / "test.csv", users, items)
    seen_users, seen_items = _pairs(folder / "train.csv", users, items)
    seen = ItemSets.of_pairs(seen_users, seen_items, len(users)).take(queries)
    return HeldOut(users[queries], items, true, _negatives(archive)[queries], seen)


def _first_named(column: pa.ChunkedArray) -> np.ndarray:
    """Returns the different texts in the order of their first appearance, which NCF counts by."""
    return pc.unique(column).to_numpy(zero_copy_only=False).astype(str)


def _pairs(path: Path, users: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    read = csv.ReadOptions(column_names=list(COLUMNS), use_threads=False)
    names = ["user_id", "movie_id"]
    convert = csv.ConvertOptions(
        include_columns=names, column_types=dict.fromkeys(names, pa.string())
    )
    table = csv.read_csv(path, read, convert_options=convert)
    found = [
        pc.index_in(table[name], pa.array(known)).to_numpy()
        for name, known in zip(names, (users, items), strict=True)
    ]
    return found[0].astype(np.int64), found[1].astype(np.int64)


def _negatives(archive: Archive) -> np.ndarray:
    """Returns int64 [users, 99], by NCF's number of the user."""
    name = next((name for name in NEGATIVES if name in archive), NEGATIVES[0])
    test = next((name for name in NCF_TEST if name in archive), NCF_TEST[0])
    users = archive.table(test, "\t", NCF_COLUMNS)["user"].cast(pa.int64()).to_numpy()
    lines = archive.read(name).decode().split("\n")
    rows = [line.split("\t")[1:] for line in lines if line.strip()]
    found = np.full((int(users.max()) + 1, len(rows[0])), -1, np.int64)
    found[users] = np.array(rows, np.int64)
    return found
