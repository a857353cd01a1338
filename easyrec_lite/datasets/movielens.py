"""Rows from MovieLens ml-1m or ml-100k: ratings with the user's profile, history and the movie.

The last rating of each user is a test row, the others are training rows. Of two ratings in the same
second, the one further down in the ratings file is the later one. `--split ncf` takes the test rows
of He et al. (WWW 2017) instead, `--split sasrec` makes the rows of `datasets interactions` from
SASRec's leave-one-out split (Kang and McAuley, ICDM 2018), with all ratings as positives. In the
other splits, the history of a row contains the movies that its user rated in an
earlier second, the latest first: `history` fifty of them, `recent` five, `last` one.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.core.errors import ConfigError, DataError, Place, Problem
from easyrec_lite.data.tables.item_table_writer import write_item_table
from easyrec_lite.datasets.archive import Archive
from easyrec_lite.datasets.interactions import EVERY_POSITION, write_sequences
from easyrec_lite.datasets.movielens_split import SPLITS, last_ratings, ncf_ratings, sasrec_order
from easyrec_lite.datasets.rows import RowWriter, join_tags, latest_first
from easyrec_lite.runs.command_line import COMMAND_LINE

USER = ("user_id", "gender", "age", "occupation", "zip")
MOVIE = ("movie_id", "genres", "year")
LENGTHS = {"history": 50, "recent": 5, "last": 1}
COLUMNS = ("liked", "rating", *USER, *MOVIE, *LENGTHS, "timestamp")
LIKED = 4
# The split whose rows are a user's sequence.
SEQUENCES = "sasrec"
CHUNK = 100_000
POWER = 0.75
GENRES = (
    "unknown|Action|Adventure|Animation|Children's|Comedy|Crime|Documentary|Drama|Fantasy|"
    "Film-Noir|Horror|Musical|Mystery|Romance|Sci-Fi|Thriller|War|Western"
)


@dataclass(frozen=True)
class Ratings:
    """R ratings in the order of the file, and the users and movies that they refer to by row.

    Attributes:
      users: the columns `USER` of U users.
      movies: the columns `MOVIE` of M movies.
      user: int64 [R], the row in `users`.
      movie: int64 [R], the row in `movies`.
      rating: int64 [R], 1 … 5.
      timestamp: int64 [R], seconds.
    """

    users: pa.Table
    movies: pa.Table
    user: np.ndarray
    movie: np.ndarray
    rating: np.ndarray
    timestamp: np.ndarray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this data set's flags."""
    help_text = "folder or zip of ml-1m or ml-100k as downloaded"
    parser.add_argument("--input", required=True, type=Path, metavar="PATH", help=help_text)
    parser.add_argument(
        "--split",
        choices=SPLITS,
        default="last",
        help="test rows: each user's last rating, those of ncf_test_rating.tsv, or SASRec's",
    )
    parser.add_argument("--every_position", action="store_true", help=f"sasrec: {EVERY_POSITION}")


def run(flags: argparse.Namespace, folder: Path) -> str:
    """Makes the data set in `folder` as the flags say; see `make` and `make_sequences`."""
    if flags.split == SEQUENCES:
        return make_sequences(flags.input, folder, flags.every_position)
    if flags.every_position:
        message = f"--every_position has no effect with --split {flags.split}: a rating is a row"
        raise ConfigError(
            Problem(
                message,
                COMMAND_LINE,
                expected=f"--split {SEQUENCES}",
                remedy="leave --every_position out",
            )
        )
    return make(flags.input, folder, flags.split) + "\n\n" + config_hint(flags.out)


def make_sequences(source: Path, folder: Path, every_position: bool = False) -> str:
    """Writes SASRec's split into `folder`, by `write_sequences`.

    Args:
      source: as of `make`.
      folder: where the files go.
      every_position: whether each training item has a row, instead of each user.

    Returns:
      A summary.

    Raises:
      DataError: a file is missing, a line of it is bad, or no user and movie has enough ratings.
    """
    ratings = read(Archive(source))
    order = sasrec_order(ratings.user, ratings.movie, ratings.timestamp)
    users, starts = np.unique(ratings.user[order], return_index=True)
    movies = ratings.movies["movie_id"].to_numpy()[ratings.movie[order]]
    names = ratings.users["user_id"].to_numpy()[users]
    # Without ratings there is one empty part, and no name.
    parts = zip(names, np.split(movies, starts[1:]), strict=False)
    sequences = ((name, part.tolist()) for name, part in parts)
    return write_sequences(sequences, source, folder, every_position=every_position)


def make(source: Path, folder: Path, split: str = "last") -> str:
    """Writes `train.csv`, `test.csv` and `items.txt` into `folder`.

    The rows have the columns `COLUMNS`, comma-separated and without a header. An item's weight is
    (1 + ratings in training) ** 0.75.

    Args:
      source: folder or zip with `ratings.dat` of ml-1m, or `u.data` of ml-100k, and its other
        files.
      folder: where the files go.
      split: which ratings are test rows, `last` or `ncf`.

    Returns:
      A summary.

    Raises:
      DataError: a file is missing or a line of it is bad.
    """
    archive = Archive(source)
    ratings = read(archive)
    order = np.lexsort((np.arange(len(ratings.user)), ratings.timestamp, ratings.user))
    user, movie, time = ratings.user[order], ratings.movie[order], ratings.timestamp[order]
    first, earlier = _history_ends(user, time)
    if split == "ncf":
        is_test = ncf_ratings(archive, ratings.user, ratings.movie, ratings.timestamp)[order]
    else:
        is_test = last_ratings(user)
    for name, chosen in [("train", ~is_test), ("test", is_test)]:
        with RowWriter(folder / f"{name}.csv", COLUMNS) as writer:
            rows = np.flatnonzero(chosen)
            for start in range(0, len(rows), CHUNK):
                part = rows[start : start + CHUNK]
                histories = {
                    column: _history(
                        ratings.movies,
                        movie,
                        np.maximum(first[part], earlier[part] - length),
                        earlier[part],
                    )
                    for column, length in LENGTHS.items()
                }
                writer.write(_rows(ratings, order[part], histories))
    counts = np.bincount(movie[~is_test], minlength=ratings.movies.num_rows)
    _write_items(folder / "items.txt", ratings.movies, counts)
    which = {
        "last": "each user's last rating; at the same second, the later one in the file",
        "ncf": "those of NCF's leave-one-out test",
    }
    return (
        f"train.csv {(~is_test).sum()} rows, test.csv {is_test.sum()} rows ({which[split]})\n"
        f"{ratings.users.num_rows} users, {ratings.movies.num_rows} movies in items.txt"
    )


def read(archive: Archive) -> Ratings:
    """Reads the files of ml-1m or ml-100k.

    Raises:
      DataError: files are missing, lines are bad, or ratings name unknown users or movies.
    """
    large = "u.data" not in archive
    name, separator = ("ratings.dat", "::") if large else ("u.data", "\t")
    table = archive.table(name, separator, ("user_id", "movie_id", "rating", "timestamp"))
    users = (_users_1m if large else _users_100k)(archive)
    movies = (_movies_1m if large else _movies_100k)(archive)
    rating, timestamp = _integers(name, table, "rating"), _integers(name, table, "timestamp")
    user = _rows_of(name, table["user_id"], users["user_id"])
    movie = _rows_of(name, table["movie_id"], movies["movie_id"])
    return Ratings(users, movies, user, movie, rating, timestamp)


def _users_1m(archive: Archive) -> pa.Table:
    return _with_zip_prefix(archive.table("users.dat", "::", USER))


def _users_100k(archive: Archive) -> pa.Table:
    columns = ("user_id", "age", "gender", "occupation", "zip")
    return _with_zip_prefix(archive.table("u.user", "|", columns)).select(list(USER))


def _with_zip_prefix(users: pa.Table) -> pa.Table:
    prefix = pc.utf8_slice_codeunits(users["zip"], 0, 3)
    return users.set_column(users.column_names.index("zip"), "zip", prefix)


def _movies_1m(archive: Archive) -> pa.Table:
    movies = archive.table("movies.dat", "::", ("movie_id", "title", "genres"), "iso-8859-1")
    year = pc.extract_regex(movies["title"], r"\((?P<year>\d{4})\)\s*$")
    return _movies(movies["movie_id"], movies["genres"], year)


def _movies_100k(archive: Archive) -> pa.Table:
    genres = GENRES.split("|")
    columns = ("movie_id", "title", "release", "video", "url", *genres)
    movies = archive.table("u.item", "|", columns, "iso-8859-1")
    flags = np.stack([pc.equal(movies[genre], "1").to_numpy() for genre in genres], axis=1)
    names = pa.array(np.tile(genres, len(flags))[flags.ravel()])
    year = pc.extract_regex(movies["release"], r"-(?P<year>\d{4})$")
    return _movies(movies["movie_id"], join_tags(names, flags.sum(axis=1)), year)


def _movies(ids: pa.Array, genres: pa.Array, year: pa.Array) -> pa.Table:
    years = pc.struct_field(year, "year").fill_null("")
    return pa.table({"movie_id": ids, "genres": genres, "year": years}).combine_chunks()


def _integers(file: str, table: pa.Table, column: str) -> np.ndarray:
    try:
        return table[column].cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid as error:
        message = f"{column}: {error}"
        raise DataError(Problem(message, Place(file), expected="whole numbers")) from error


def _rows_of(file: str, ids: pa.Array, known: pa.Array) -> np.ndarray:
    rows = pc.index_in(ids, known.combine_chunks())
    if rows.null_count:
        unknown = pc.unique(ids.filter(pc.is_null(rows))).to_pylist()
        message = f"{len(unknown)} ids are not described, among them {', '.join(unknown[:5])}"
        remedy = "give the folder or zip as it was downloaded"
        raise DataError(Problem(message, Place(file), remedy=remedy))
    return rows.to_numpy().astype(np.int64)


def _history_ends(user: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns for each row the user's first row, and the first row of the same second; int64 [R].

    Args:
      user: int64 [R], sorted.
      time: int64 [R], sorted within a user.
    """
    rows = np.arange(len(user))
    new_user = np.append(True, user[1:] != user[:-1])
    new_second = new_user | np.append(True, time[1:] != time[:-1])
    return (
        np.maximum.accumulate(np.where(new_user, rows, 0)),
        np.maximum.accumulate(np.where(new_second, rows, 0)),
    )


def _history(movies: pa.Table, movie: np.ndarray, begin: np.ndarray, end: np.ndarray) -> pa.Array:
    """Returns text [r]: for each row the movies of rows begin … end − 1, the latest first."""
    seen = movie[latest_first(begin, end)]
    return join_tags(movies["movie_id"].combine_chunks().take(seen), end - begin)


def _rows(ratings: Ratings, events: np.ndarray, histories: dict[str, pa.Array]) -> pa.Table:
    users, movies = (
        ratings.users.take(ratings.user[events]),
        ratings.movies.take(ratings.movie[events]),
    )
    rating = ratings.rating[events]
    return pa.table(
        {
            "liked": (rating >= LIKED).astype(np.int8),
            "rating": rating,
            **{name: users[name] for name in USER},
            **{name: movies[name] for name in MOVIE},
            **histories,
            "timestamp": ratings.timestamp[events],
        }
    )


def _write_items(path: Path, movies: pa.Table, counts: np.ndarray) -> None:
    columns = [movies[name].combine_chunks() for name in MOVIE]
    write_item_table(path, columns[0], (1.0 + counts) ** POWER, columns)


def config_hint(folder: str) -> str:
    """Returns the part of a config that reads the files in `folder`."""
    types = {"liked": "INT32", "rating": "FLOAT", "timestamp": "INT64"}
    fields = [
        f"  input_fields {{ input_name: '{name}' input_type: {types.get(name, 'STRING')} }}"
        for name in COLUMNS
    ]
    attributes = " ".join(f"attr_fields: '{name}'" for name in MOVIE)
    return "\n".join(
        [
            "# listwise: every rating is a positive (pointwise: label 'liked', and no sampler)",
            f"train_input_path: '{folder}/train.csv'",
            f"eval_input_path: '{folder}/test.csv'",
            "data_config {",
            "  input_type: CSVInput",
            *fields,
            "  label_fields: 'rating'",
            f"  negative_sampler {{ input_path: '{folder}/items.txt' num_sample: 1024",
            f"    item_id_field: 'movie_id' {attributes} }}",
            "}",
        ]
    )
