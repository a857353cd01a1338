"""The first rows of a data set, read before any training. Does not import TensorFlow.

Data that only TensorFlow reads is not scanned.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.reader import READERS, PlainReader, SampledRow
from easyrec_lite.core.errors import Problem, ProblemError
from easyrec_lite.data.readers.input_files import expand

if TYPE_CHECKING:
    from easyrec_lite.config import Pipeline

REPORTED = 20
AT_ONCE = 1000


# From the values of rows to what is wrong with some of them, by number; without their places.
RowCheck = Callable[[Sequence[Mapping[str, Any]]], Mapping[int, Sequence[Problem]]]


def scan(
    pipeline: Pipeline, path: str, rows: int = 1000, check: RowCheck = lambda rows: {}
) -> list[Problem]:
    """Returns what is wrong with the first `rows` rows, at most 20 problems.

    Args:
      pipeline: the config.
      path: as `train_input_path`.
      rows: how many rows to read.
      check: looks at the rows whose cells are values of their fields' types.
    """
    problems: list[Problem] = []
    try:
        reader = _plain_reader(pipeline)
        problems += reader.notes(expand(path)) if reader else []
        sample, count = _sample(reader, path, rows), 0
        while len(problems) < REPORTED and (part := list(islice(sample, AT_ONCE))):
            count += len(part)
            problems += _part_problems(part, check)
        if reader and not count:
            problems.append(Problem(f"{path} holds no rows", remedy="name a file with data"))
    except ProblemError as error:
        problems += error.problems
    return problems[:REPORTED]


def _part_problems(part: Sequence[SampledRow], check: RowCheck) -> list[Problem]:
    """Returns what is wrong with some rows, in their order."""
    good = [row for row in part if not row.problems]
    found = check([row.values for row in good]) if good else {}
    problems = [problem for row in part for problem in row.problems]
    problems += [
        dataclasses.replace(problem, place=good[at].place)
        for at, why in found.items()
        for problem in why
    ]
    return sorted(problems, key=lambda problem: problem.place)


def label_zero_share(pipeline: Pipeline, path: str, rows: int = 1000) -> dict[str, float]:
    """Returns for each label field the share of zeros in the first good rows.

    Nothing for data that is not scanned, or that has no good row.

    Raises:
      DataError: the data cannot be read at all.
    """
    labels = pipeline.config.data_config.label_fields
    good = [row.values for row in good_rows(pipeline, path, rows)]
    if not good:
        return {}
    return {
        label: sum(values[label] in (0, b"0", False) for values in good) / len(good)
        for label in labels
        if label in good[0]
    }


def good_rows(pipeline: Pipeline, path: str, rows: int = 1000) -> list[SampledRow]:
    """Returns the good ones among the first rows; none of data that is not scanned.

    Raises:
      DataError: the data cannot be read at all.
    """
    sample = _sample(_plain_reader(pipeline), path, rows)
    return [row for row in sample if not row.problems]


def _plain_reader(pipeline: Pipeline) -> PlainReader | None:
    spec = READERS.spec(enum_name(pipeline.config.data_config, "input_type"))
    return spec.plain_reader(pipeline)


def _sample(reader: PlainReader | None, path: str, rows: int) -> Iterator[SampledRow]:
    if reader is not None:
        yield from reader.sample(expand(path), rows)
