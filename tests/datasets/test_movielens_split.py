from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from easyrec_lite.core.errors import DataError
from easyrec_lite.datasets import __main__ as datasets
from easyrec_lite.datasets import interactions
from easyrec_lite.datasets.archive import Archive
from easyrec_lite.datasets.movielens import COLUMNS, make, make_sequences
from easyrec_lite.datasets.movielens_split import (
    first_named,
    last_ratings,
    ncf_ratings,
    sasrec_order,
)
from tests import commands
from tests.datasets.test_movielens import rows, write_1m


def with_ncf(folder: Path, test: str, name: str = "ncf_test_rating.tsv") -> Path:
    write_1m(folder)
    (folder / name).write_text(test)
    return folder


def test_values_in_the_order_of_their_first_appearance() -> None:
    assert first_named(np.array([3, 1, 3, 2, 1])).tolist() == [3, 1, 2]
    assert first_named(np.array([], np.int64)).tolist() == []


def test_the_last_rating_of_users_who_have_more_than_one() -> None:
    assert last_ratings(np.array([1, 1, 2, 3, 3, 3])).tolist() == [
        False,
        True,
        False,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize("name", ["ncf_test_rating.tsv", "ml-1m.test.rating"])
def test_ncf_rows_are_the_test_rows(tmp_path: Path, name: str) -> None:
    # By first appearance: users 1, 2, 3 → 0, 1, 2 and movies 7, 8, 9 → 0, 1, 2.
    source = with_ncf(tmp_path / "ml-1m", "0\t2\t4\t200\n1\t2\t1\t50\n", name)
    make(source, tmp_path, "ncf")
    train, test = rows(tmp_path / "train.csv"), rows(tmp_path / "test.csv")
    assert [(row["user_id"], row["movie_id"]) for row in test] == [("1", "9"), ("2", "9")]
    assert [(row["history"], row["recent"], row["last"]) for row in test] == [
        ("8|7", "8|7", "8"),
        ("7", "7", "7"),  # not 8, which user 2 rated at the same second as the held-out 9
    ]
    assert [(row["user_id"], row["movie_id"]) for row in train] == [
        ("1", "7"),
        ("1", "8"),
        ("2", "7"),
        ("2", "8"),
        ("3", "7"),
    ]


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("0\t9\t4\t200\n", r"ncf_test_rating.tsv:1: .*item 9 is no user and movie"),
        ("0\t2\t4\t200\n-1\t0\t1\t1\n", r"ncf_test_rating.tsv:2: .*user -1"),
        ("2\t1\t4\t10\n", "user 2, item 1 is no rating"),
        ("0\t0\t5\t100\n", "not of its user's last second"),
        ("0\ttwo\t4\t200\n", "whole numbers"),
        ("0\t2\n", "wrong number of cells"),
    ],
)
def test_a_test_file_of_other_ratings_is_refused(tmp_path: Path, test: str, words: str) -> None:
    source = with_ncf(tmp_path / "ml-1m", test)
    with pytest.raises(DataError, match=words):
        make(source, tmp_path, "ncf")


def test_without_the_test_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = write_1m(tmp_path / "ml-1m"), str(tmp_path / "out")
    flags = ["movielens", "--input", str(source), "--out", out]
    assert commands.run(datasets, [*flags, "--split", "ncf"]) == 2
    assert "ncf_test_rating.tsv" in capsys.readouterr().err
    assert commands.run(datasets, [*flags, "--split", "last"]) == 0


def test_real_ncf_split(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "ml-1m"
    make(source, tmp_path, "ncf")
    names = ["user_id", "movie_id", "recent", "last", "timestamp"]
    train, test = (
        pd.read_csv(
            tmp_path / f"{name}.csv",
            header=None,
            names=list(COLUMNS),
            usecols=names,
            dtype={"recent": str, "last": str},
            keep_default_na=False,
        )
        for name in ("train", "test")
    )
    given = pd.read_csv(source / "ncf_test_rating.tsv", sep="\t", header=None)
    movie = pd.read_csv(source / "ncf_item_map.tsv", sep="\t").set_index("ncf_item")["movie_id"]
    pairs = np.stack([given[0] + 1, movie.loc[given[1]]], axis=1)
    np.testing.assert_array_equal(test[["user_id", "movie_id"]].to_numpy(), pairs)
    assert len(train) == 994_169
    held_out = set(map(tuple, pairs.tolist()))
    assert held_out.isdisjoint(train[["user_id", "movie_id"]].itertuples(index=False, name=None))
    # A second implementation of the history, for the held-out rows of some users.
    for user in range(1, 6_040, 301):
        row = test[test["user_id"] == user].iloc[0]
        before = train[(train["user_id"] == user) & (train["timestamp"] < row["timestamp"])]
        latest = before.sort_values("timestamp", kind="stable")["movie_id"].tolist()[::-1][:5]
        assert row["recent"] == "|".join(map(str, latest))
        assert row["last"] == (str(latest[0]) if latest else "")


def test_ncf_files_count_by_first_appearance(shared_data: Path) -> None:
    archive = Archive(shared_data / "ml-1m")
    table = archive.table("ratings.dat", "::", ("user", "movie", "rating", "time"))
    user, movie, time = (
        table[name].to_numpy().astype(np.int64) for name in ("user", "movie", "time")
    )
    given = pd.read_csv(shared_data / "ml-1m" / "ncf_item_map.tsv", sep="\t")
    np.testing.assert_array_equal(first_named(movie), given["movie_id"])
    assert ncf_ratings(archive, user, movie, time).sum() == 6_040


def naive_sasrec(ratings: list[tuple[int, int, int]]) -> dict[int, list[int]]:
    """SASRec's sequences of (user, movie, time): 5 ratings, counted once; ties as in the file."""
    users, movies, _ = zip(*ratings, strict=True)
    sequences: dict[int, list[tuple[int, int]]] = {}
    for user, movie, time in ratings:
        if users.count(user) >= 5 and movies.count(movie) >= 5:
            sequences.setdefault(user, []).append((time, movie))
    # Python's sort is stable: movies of one second stay in the order of the file.
    return {u: [m for _, m in sorted(s, key=lambda each: each[0])] for u, s in sequences.items()}


@pytest.mark.parametrize("seed", range(3))
def test_sasrec_leaves_out_rare_users_and_movies_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ratings = np.stack(
        [rng.integers(0, 12, 90), rng.integers(0, 12, 90), rng.integers(0, 4, 90)], axis=1
    )
    order = sasrec_order(*ratings.T)
    found: dict[int, list[int]] = {}
    for user, movie, _ in ratings[order].tolist():
        found.setdefault(user, []).append(movie)
    expected = naive_sasrec([tuple(row) for row in ratings.tolist()])
    assert found == expected
    assert list(found) == sorted(found)


def test_ratings_are_not_counted_again() -> None:
    """User 0 keeps four ratings: movie 4 of its five is rated once."""
    user = np.repeat(np.arange(6), [5, 4, 4, 4, 4, 4])
    movie = np.concatenate([np.arange(5), np.tile(np.arange(4), 5)])
    assert sasrec_order(user, movie, np.zeros(len(user), int)).tolist() == [0, 1, 2, 3]


FIVE_USERS = "".join(
    f"{user}::{movie}::5::{time}\n"
    for user in range(1, 6)
    for movie, time in [(8, 20), (7, 10), (9, 20), (9 - user % 2, 30), (5, 40)]
)


@pytest.mark.parametrize("every_position", [False, True])
def test_rows_of_the_sasrec_split(tmp_path: Path, every_position: bool) -> None:
    source = write_1m(tmp_path / "ml-1m", FIVE_USERS)
    (source / "users.dat").write_text("".join(f"{u}::F::1::10::48067\n" for u in range(1, 6)))
    movies = "".join(f"{m}::Café (1990)::War\n" for m in (5, 7, 8, 9))
    (source / "movies.dat").write_text(movies, encoding="iso-8859-1")
    out = tmp_path / "out"
    argv = ["movielens", "--split", "sasrec", "--input", str(source), "--out", str(out)]
    argv += ["--every_position"] if every_position else []
    assert commands.run(datasets, argv) == 0

    def cells(name: str) -> list[list[str]]:
        lines = (out / name).read_text().splitlines()
        return [line.split(",") for line in lines if line.startswith("1,")]

    train = [["1", "", "7"], ["1", "7", "8"], ["1", "7|8", "9"]]
    assert cells("train.csv") == (train if every_position else train[-1:])
    assert cells("valid.csv") == [["1", "7|8|9", "8"]]
    assert cells("test.csv") == [["1", "7|8|9|8", "5"]]
    assert sorted((out / "vocabulary.txt").read_text().split()) == ["5", "7", "8", "9"]


def test_no_user_has_five_ratings(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="ml-1m"):
        make_sequences(write_1m(tmp_path / "ml-1m"), tmp_path)


def test_the_sasrec_split_of_movielens_1m(tmp_path: Path, shared_data: Path) -> None:
    """The published split of SASRec, whose lines are a user and its movies in order of time."""
    folder = shared_data / "ml-1m"
    made, given = tmp_path / "made", tmp_path / "given"
    for each in (made, given):
        each.mkdir()
    assert make_sequences(folder, made).startswith("6,040 users, 3,416 items")
    interactions.make(folder / "sasrec_sequences.tsv.gz", given)
    for name in interactions.FILES:
        lines = [sorted((each / name).read_text().splitlines()) for each in (made, given)]
        assert lines[0] == lines[1], name


def test_only_sasrec_has_a_row_for_every_position(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["movielens", "--input", str(tmp_path), "--out", str(tmp_path / "o"), "--every_position"]
    assert commands.run(datasets, argv) == 2
    assert "--split sasrec" in capsys.readouterr().err
