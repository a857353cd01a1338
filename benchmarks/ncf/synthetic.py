"""A small made-up data set in MovieLens' and NCF's files, to try the study in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

USERS, MOVIES, RATINGS, NEGATIVES, TASTES = 150, 160, 30, 99, 4


def write(folder: Path, seed: int = 0) -> None:
    """Writes `ratings.dat`, `users.dat`, `movies.dat` and NCF's two test files into `folder`.

    Each user has a taste and each movie a kind; users rate the popular ones of their taste more.
    The last rating of each user is held out.

    Args:
      folder: where the files go; made if it is not there.
      seed: of all that is drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    popular = 1 / np.arange(1, MOVIES + 1)
    kinds = draw.integers(TASTES, size=MOVIES)
    users, movies = [], []
    for user in range(USERS):
        weights = popular * np.where(kinds == user % TASTES, 20, 1)
        chosen = draw.choice(MOVIES, RATINGS, replace=False, p=weights / weights.sum())
        users += [user] * RATINGS
        movies += chosen.tolist()
    lines = [
        f"{user + 1}::{movie + 1}::{draw.integers(1, 6)}::{1000 * user + 10 * (row % RATINGS)}"
        for row, (user, movie) in enumerate(zip(users, movies, strict=True))
    ]
    _lines(folder / "ratings.dat", lines)
    profile = [
        f"{u + 1}::{'FM'[u % 2]}::{18 + u % 30}::{u % 21}::{10000 + u}" for u in range(USERS)
    ]
    _lines(folder / "users.dat", profile)
    titles = [f"{m + 1}::Movie {m} ({1990 + m % 10})::Kind {kinds[m]}" for m in range(MOVIES)]
    _lines(folder / "movies.dat", titles)
    _ncf(folder, np.array(users), np.array(movies), draw)


def _ncf(folder: Path, users: np.ndarray, movies: np.ndarray, draw: np.random.Generator) -> None:
    numbers = {movie: number for number, movie in enumerate(dict.fromkeys(movies.tolist()))}
    items = np.array([numbers[movie] for movie in movies.tolist()])
    test, negatives = [], []
    for user in range(USERS):
        rated = items[users == user]
        others = np.setdiff1d(np.arange(len(numbers)), rated)
        drawn = draw.choice(others, NEGATIVES, replace=False)
        test.append(f"{user}\t{rated[-1]}\t3\t{1000 * user + 10 * (RATINGS - 1)}")
        negatives.append("\t".join([f"({user},{rated[-1]})", *map(str, drawn)]))
    _lines(folder / "ncf_test_rating.tsv", test)
    _lines(folder / "ncf_test_negative.tsv", negatives)


def _lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="iso-8859-1")
