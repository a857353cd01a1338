"""Fields that folders hold: those of `dt=2024-01-01/part-0.csv`. No TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_to_bytes

from easyrec_lite.checks.columns import CellValue, InputField, shown
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.core.input_paths import is_partition

# What Hive and Spark write for a null.
MISSING = "__HIVE_DEFAULT_PARTITION__"


def folder_texts(file: str) -> dict[str, bytes]:
    """Returns key → text of the folders `key=text` directly above a file, the outermost first.

    Both sides are %-decoded; the text for a null is empty.

    Example:
      >>> folder_texts("/logs/dt=2024-01-01/city=K%C3%B6ln/part-0.csv")["city"].decode()
      'Köln'
    """
    texts: dict[str, bytes] = {}
    folder, name = os.path.split(os.path.dirname(os.path.abspath(file)))
    while is_partition(name):
        key, _, text = name.partition("=")
        value = b"" if text == MISSING else unquote_to_bytes(text)
        texts = {unquote(key): value, **texts}
        folder, name = os.path.split(folder)
    return texts


@dataclass(frozen=True)
class Partitions:
    """The values of fields that the folders of files hold, the same for all rows of a file.

    Attributes:
      keys: the names of all input fields that are keys of folders.
      fields: those that are read.
      texts: file → field name → text, empty for a null.
    """

    keys: frozenset[str] = frozenset()
    fields: tuple[InputField, ...] = ()
    texts: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)

    def text(self, file: str, name: str) -> bytes:
        """Returns what a file's folder holds for a field."""
        return self.texts[file][name]

    def value(self, file: str, field: InputField) -> CellValue:
        """Returns the value of a field in all rows of a file."""
        return field.parse(self.text(file, field.name))

    def problem(self, file: str, name: str, cell: bytes) -> Problem:
        """Returns the problem that a cell of a file differs from the file's folder."""
        return Problem(
            f"{shown(cell)} differs from the folder's {name}={shown(self.text(file, name))}",
            path=name,
            expected=shown(self.text(file, name)),
            found=shown(cell),
            remedy="correct the cell or the folder's name, or remove the column from the files",
        )


NO_FOLDERS = Partitions()


def partitions(
    files: Sequence[str], fields: Sequence[InputField], wanted: Collection[InputField]
) -> Partitions:
    """Returns the values of the fields that are keys of the files' folders.

    Args:
      files: the files of one input.
      fields: all fields of the config.
      wanted: those that are read.

    Raises:
      DataError: a folder's text is no value of its field, or some files lack a key that others
        have.
    """
    texts = {file: folder_texts(file) for file in files}
    named = {name for each in texts.values() for name in each}
    keys = [field for field in fields if field.name in named]
    read = tuple(field for field in keys if field in wanted)
    problems = []
    for one in read:
        for file in files:
            if one.name not in texts[file]:
                problems.append(_lacks(file, one.name, texts))
            elif not one.accepts(texts[file][one.name]):
                problem = one.problem(texts[file][one.name])
                problems.append(_of_folder(problem, file))
    if problems:
        raise DataError(problems)
    return Partitions(frozenset(field.name for field in keys), read, texts)


def _lacks(file: str, name: str, texts: Mapping[str, Mapping[str, bytes]]) -> Problem:
    other = next(other for other, values in texts.items() if name in values)
    return Problem(
        f"no folder {name}=… holds this file, but one holds {other}",
        Place(file),
        name,
        expected=f"the same keys for all files of an input: {', '.join(texts[other])}",
        found=", ".join(texts[file]) or "none",
        remedy="read such files as another input, or move them into folders of the same keys",
    )


def _of_folder(problem: Problem, file: str) -> Problem:
    return Problem(
        f"the folder's value: {problem.message}",
        Place(file),
        problem.path,
        expected=problem.expected,
        found=problem.found,
        remedy="correct the folder's name, or the field's input_type",
    )
