from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.ncf.data import Data, prepare
from benchmarks.ncf.held_out import HeldOut
from tests.benchmarks.ncf.matrices import seen_matrix


def numbered(path: Path) -> pd.DataFrame:
    """The raw ratings with NCF's numbers, made by a dictionary."""
    rows = [line.split("::") for line in path.read_text().splitlines()]
    numbers: dict[str, int] = {}
    for row in rows:
        numbers.setdefault(row[1], len(numbers))
    return pd.DataFrame(
        {"user": [int(row[0]) - 1 for row in rows], "item": [numbers[row[1]] for row in rows]}
    )


def test_everything_is_numbered_as_in_ncf_files(raw: Path, data: Data) -> None:
    held_out, ratings = data.held_out(), numbered(raw / "ratings.dat")
    test = pd.read_csv(raw / "ncf_test_rating.tsv", sep="\t", header=None)
    np.testing.assert_array_equal(held_out.true, test[1])
    np.testing.assert_array_equal(held_out.users, (test[0] + 1).astype(str))
    lines = (raw / "ncf_test_negative.tsv").read_text().splitlines()
    negatives = [list(map(int, line.split("\t")[1:])) for line in lines]
    np.testing.assert_array_equal(held_out.negatives, negatives)
    seen = np.zeros((150, 160))
    seen[ratings["user"], ratings["item"]] = 1
    seen[test[0], test[1]] = 0
    np.testing.assert_array_equal(seen_matrix(held_out), seen)
    assert data.rows == seen.sum()


def test_no_user_has_seen_what_is_held_out(data: Data) -> None:
    held_out = data.held_out()
    rows = np.arange(len(held_out.true))
    assert not seen_matrix(held_out)[rows, held_out.true].any()


def test_saved_and_loaded(data: Data, tmp_path: Path) -> None:
    one = data.held_out()
    one.save(tmp_path / "one.npz")
    two = HeldOut.load(tmp_path / "one.npz")
    for name in ("users", "items", "true", "negatives"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_array_equal(one.seen.offsets, two.seen.offsets)
    np.testing.assert_array_equal(one.seen.items, two.seen.items)


def test_made_once_and_known_by_a_digest(raw: Path, data: Data, tmp_path: Path) -> None:
    before = (data.folder / "train.csv").stat().st_mtime_ns
    assert prepare(raw, data.folder) == data
    assert (data.folder / "train.csv").stat().st_mtime_ns == before
    other = prepare(raw, tmp_path / "again")
    assert (other.rows, other.digest) == (data.rows, data.digest)


def test_the_real_one(shared_data: Path, real: Data) -> None:
    source, held_out = shared_data / "ml-1m", real.held_out()
    assert (len(held_out.seen), len(held_out.seen.items)) == (6_040, 994_169)
    assert held_out.items.shape == (3_706,)
    movies = pd.read_csv(source / "ncf_item_map.tsv", sep="\t")["movie_id"].astype(str)
    np.testing.assert_array_equal(held_out.items, movies)
    test = pd.read_csv(source / "ncf_test_rating.tsv", sep="\t", header=None)
    np.testing.assert_array_equal(held_out.true, test[1])
    # What the data's own notes say of the negatives.
    assert (held_out.negatives == held_out.true[:, None]).any(axis=1).sum() == 156
