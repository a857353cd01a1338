"""Rows from a file of users and their items in order of time, one user a line.

A line is a user and its items, from the oldest to the newest, separated by a tab and by blanks:
`u7⇥i3 i9 i1`, or by blanks alone. A first line `user_id⇥item_ids` is passed over. The last item of
a user is a test row and the one before it a validation row, as in SASRec's protocol; a user with
fewer than `--least` items is in the training rows alone.

Every row is `user_id,history,item_id`, the history being all items before the row's, joined by `|`.
There is one training row a user: its history is the sequence that SequenceMatch trains on.
`--every_position` writes a training row for each item instead, for models that read a history as a
bag. `seen.csv` has a row without history for each training item: a full ranking leaves out what
users have seen, and counts popularity, by `seen_path`. `seen_test.csv` has the validation items,
too: what users have seen before their test items.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.core.files import missing
from easyrec_lite.data.tables.item_table_writer import write_item_table
from easyrec_lite.datasets.rows import RowWriter

COLUMNS = ("user_id", "history", "item_id")
FILES = ("train.csv", "valid.csv", "test.csv", "seen.csv", "seen_test.csv")
HEADER = "user_id\titem_ids"
CHUNK = 10_000
MOST = 200
EVERY_POSITION = "a training row for each item, instead of one for each user"
Row = tuple[str, list[str], str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this data set's flags."""
    help_text = "text file, or .gz of one: a user and its items a line"
    parser.add_argument("--input", required=True, type=Path, metavar="FILE", help=help_text)
    parser.add_argument("--least", type=int, default=3, help="items of a user with test rows")
    parser.add_argument("--most", type=int, default=MOST, help="items of a history")
    parser.add_argument("--every_position", action="store_true", help=EVERY_POSITION)


def run(flags: argparse.Namespace, folder: Path) -> str:
    """Makes the data set in `folder` as the flags say; see `make`."""
    return make(flags.input, folder, flags.least, flags.most, flags.every_position)


def make(
    source: Path, folder: Path, least: int = 3, most: int = MOST, every_position: bool = False
) -> str:
    """Writes the files of `write_sequences` from a file of users and their items.

    Args:
      source: the file.
      folder, least, most, every_position: as of `write_sequences`.

    Returns:
      What was made, in a sentence.

    Raises:
      DataError: the file is missing, a line has no items, or a user has two lines.
    """
    return write_sequences(read_sequences(source), source, folder, least, most, every_position)


def write_sequences(
    sequences: Iterable[tuple[str, list[str]]],
    source: Path,
    folder: Path,
    least: int = 3,
    most: int = MOST,
    every_position: bool = False,
) -> str:
    """Writes the files `FILES`, and those of `write_items`.

    Args:
      sequences: each user, once, and its items from the oldest to the newest.
      source: where they are from, for errors.
      folder: where the files go.
      least: how many items a user with validation and test rows has, at least 3.
      most: the newest so many items are a row's history.
      every_position: whether each training item has a row.

    Returns:
      What was made, in a sentence.

    Raises:
      DataError: there are no users.
    """
    counts: Counter[str] = Counter()
    users = 0
    writers = [RowWriter(folder / name, COLUMNS) for name in FILES]
    rows: list[list[Row]] = [[] for _ in FILES]
    for user, items in sequences:
        users += 1
        trained = items
        if len(items) >= max(least, 3):
            trained = items[:-2]
            rows[1].append((user, items[:-2][-most:], items[-2]))
            rows[2].append((user, items[:-1][-most:], items[-1]))
        counts.update(trained)
        counts.update(dict.fromkeys(items[len(trained) :], 0))
        places = range(len(trained)) if every_position else [len(trained) - 1]
        rows[0] += [(user, trained[max(0, k - most) : k], trained[k]) for k in places]
        rows[3] += [(user, [], item) for item in trained]
        rows[4] += [(user, [], item) for item in items[: len(trained) + 1]]
        for writer, some in zip(writers, rows, strict=True):
            _write(writer, some, CHUNK)
    for writer, some in zip(writers, rows, strict=True):
        _write(writer, some, 1)
        writer.__exit__()
    if not users:
        message = "no user is left that has items"
        raise DataError(Problem(message, Place(str(source)), expected="a user with an item"))
    write_items(folder, counts)
    made = ", ".join(f"{w.rows:,} {name}" for w, name in zip(writers, FILES, strict=True))
    return f"{users:,} users, {len(counts):,} items; {made}"


def write_items(folder: Path, counts: Counter[str]) -> None:
    """Writes the items, the most frequent first.

    `items.txt` is an item table with (training interactions + 1) as weights, `vocabulary.txt` the
    item ids, a line each.

    Args:
      folder: where the files go.
      counts: item id → training interactions.
    """
    ids = sorted(counts, key=lambda item: (-counts[item], item))
    weights = np.array([counts[item] + 1 for item in ids], float)
    write_item_table(folder / "items.txt", pa.array(ids), weights, [pa.array(ids)])
    fs.write_text(folder / "vocabulary.txt", "".join(f"{item}\n" for item in ids))


def read_sequences(source: Path) -> Iterator[tuple[str, list[str]]]:
    """Yields each user of a file and its items.

    Raises:
      DataError: the file is missing, a line has no items, or a user has two lines.
    """
    if not fs.is_file(source):
        raise DataError(missing(str(source)))
    with fs.open_unpacked(source) as file:
        text = file.read().decode("utf-8")
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        if number == 1 and line.strip() == HEADER:
            continue
        user, *items = line.split()
        if not items:
            raise DataError(
                Problem(
                    "a line has no items",
                    Place(str(source), number),
                    expected="a user and its items, separated by blanks",
                    found=line,
                )
            )
        if user in seen:
            raise DataError(Problem(f"user {user!r} has two lines", Place(str(source), number)))
        seen.add(user)
        yield user, items


def _write(writer: RowWriter, rows: list[Row], least: int) -> None:
    """Writes and forgets the rows when there are `least` or more."""
    if len(rows) < least:
        return
    users, histories, items = zip(*rows, strict=True)
    joined = ["|".join(history) for history in histories]
    writer.write(pa.table({"user_id": users, "history": joined, "item_id": items}))
    rows.clear()
