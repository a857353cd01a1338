"""Whether the ids of two files are the same ids: those of rows or edges, and those of a table."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence

from easyrec_lite.core.errors import Place, Problem

# Fewer rows than these prove nothing.
FEWEST = 10
# From this share on, missing ids are worth a warning.
SHARE = 0.01
EXAMPLES = 3

_CAUSES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("spaces around the ids", str.strip),
    ("upper and lower case", str.casefold),
    ("decimals, as in 7.0", lambda text: text.removesuffix(".0")),
    ("leading zeros", lambda text: text.lstrip("0") or "0"),
    ("quotes around the ids", lambda text: text.strip("\"'")),
    ("forms of the same characters", lambda text: unicodedata.normalize("NFKC", text)),
)


def likely_cause(ids: Iterable[str], known: Iterable[str]) -> str:
    """Returns in what most of `ids`, or of `known` ones, differ from the others; '' if unusual.

    Example:
      >>> likely_cause(["7.0", "8.0"], ["7", "8"]), likely_cause(["u7"], ["7"])
      ('decimals, as in 7.0', '')
    """
    lacking, table = set(ids), list(known)
    for cause, same in _CAUSES:
        forms = {same(text) for text in table}
        alike = sum(same(text) in forms for text in lacking)
        if 2 * alike > min(len(lacking), len(forms)):
            return cause
    return ""


def join_problem(
    column: str,
    ids: Sequence[str],
    lacks: Sequence[bool],
    known: Callable[[], Iterable[str]],
    source: str,
    table: str,
    required: bool,
    only_alike: bool = False,
) -> Problem | None:
    """Returns the problem that a table lacks the ids of rows; None where it lacks hardly any.

    Args:
      column: the column of the rows that holds their ids.
      ids: the id of each of the first rows.
      lacks: whether the table lacks it.
      known: returns the ids of the table.
      source: the data, for the message.
      table: the table.
      required: whether it is an error that it lacks all of them.
      only_alike: whether that is an error only if the ids are alike but for their form.
    """
    missing = [text for text, lacking in zip(ids, lacks, strict=True) if lacking and text]
    if len(missing) < FEWEST or len(missing) < SHARE * len(ids):
        return None
    others = list(known())
    cause = likely_cause(missing, others)
    every = len(missing) == len(ids)
    problem = Problem(
        f"{len(missing) / len(ids):.1%} of the first {len(ids)} rows have a {column} that the "
        f"table {table} lacks" + (f": they differ in {cause}" if cause else ""),
        Place(source),
        column,
        severity="error" if every and required and (cause or not only_alike) else "warning",
    )
    return _with_examples(problem, missing, others)


def unknown_problem(
    what: str,
    missing: Collection[str],
    count: int,
    total: int,
    known: Iterable[str],
    place: Place,
    required: bool = True,
) -> Problem | None:
    """Returns the problem that entries of a file name ids that a table lacks; None if hardly any.

    Args:
      what: names the entries, such as "edges lead to items that the item table".
      missing: ids that the table lacks, examples of them where they are many.
      count: how many entries name such ids.
      total: how many entries there are.
      known: the ids of the table.
      place: the file.
      required: whether it is an error that none of the entries' ids is in the table.
    """
    every = count == total
    if not count or (count < SHARE * total and not every):
        return None
    others = list(known)
    cause = likely_cause(missing, others) if 2 * count > total else ""
    problem = Problem(
        f"{count:,} of {total:,} {what} lacks" + (f": they differ in {cause}" if cause else ""),
        place,
        severity="error" if every and required else "warning",
    )
    return _with_examples(problem, missing, others)


def _with_examples(problem: Problem, missing: Iterable[str], known: Iterable[str]) -> Problem:
    return dataclasses.replace(
        problem,
        expected=f"ids such as {_some(known)}",
        found=_some(missing),
        remedy="write the ids alike in the data and the table, or make the table from these data",
    )


def _some(ids: Iterable[str]) -> str:
    return ", ".join(repr(text) for text in list(dict.fromkeys(ids))[:EXAMPLES])
