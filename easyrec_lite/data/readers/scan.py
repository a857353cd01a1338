"""The first rows of a data set, read before any training. Does not import TensorFlow.

Data that only TensorFlow reads is not scanned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.reader import READERS, PlainReader
from easyrec_lite.core.errors import Problem, ProblemError
from easyrec_lite.data.readers.input_files import expand

if TYPE_CHECKING:
    from easyrec_lite.config import Pipeline

REPORTED = 20


def scan(pipeline: Pipeline, path: str, rows: int = 1000) -> list[Problem]:
    """Returns what is wrong with the first `rows` rows, at most 20 problems.

    Args:
      pipeline: the config.
      path: as `train_input_path`.
      rows: how many rows to read.
    """
    problems: list[Problem] = []
    try:
        reader = _plain_reader(pipeline)
        count = 0
        for found, _ in _sample(reader, path, rows):
            count += 1
            problems += found
            if len(problems) >= REPORTED:
                break
        if reader and not count:
            problems.append(Problem(f"{path} holds no rows", remedy="name a file with data"))
    except ProblemError as error:
        problems += error.problems
    return problems[:REPORTED]


def label_zero_share(pipeline: Pipeline, path: str, rows: int = 1000) -> dict[str, float]:
    """Returns for each label field the share of zeros in the first good rows.

    Nothing for data that is not scanned, or that has no good row.

    Raises:
      DataError: the data cannot be read at all.
    """
    labels = pipeline.config.data_config.label_fields
    sample = _sample(_plain_reader(pipeline), path, rows)
    good = [values for problems, values in sample if not problems]
    if not good:
        return {}
    return {
        label: sum(values[label] in (0, b"0", False) for values in good) / len(good)
        for label in labels
        if label in good[0]
    }


def _plain_reader(pipeline: Pipeline) -> PlainReader | None:
    spec = READERS.spec(enum_name(pipeline.config.data_config, "input_type"))
    return spec.plain_reader(pipeline)


def _sample(
    reader: PlainReader | None, path: str, rows: int
) -> Iterator[tuple[list[Problem], dict[str, Any]]]:
    if reader is not None:
        yield from reader.sample(expand(path), rows)
