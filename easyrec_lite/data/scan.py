"""The first rows of a data set, looked at before any training. Does not import TensorFlow.

`TFRecordInput` and `DummyInput` are not scanned: the former needs TensorFlow, the latter has no
files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from easyrec_lite.checks.view import enum_name
from easyrec_lite.core.errors import ConfigError, DataError, Problem, ProblemError
from easyrec_lite.data.fields import input_fields
from easyrec_lite.data.paths import expand
from easyrec_lite.data.readers.csv import text as csv_text
from easyrec_lite.data.readers.parquet import table as parquet_table
from easyrec_lite.data.readers.registry import refusal

if TYPE_CHECKING:
    from easyrec_lite.config import Pipeline

REPORTED = 20

Sample = Iterator[tuple[list[Problem], dict[str, Any]]]


def scan(pipeline: Pipeline, path: str, rows: int = 1000) -> list[Problem]:
    """Returns what is wrong with the first `rows` rows, at most 20 problems.

    Args:
      pipeline: the config.
      path: as `train_input_path`.
      rows: how many rows to look at.
    """
    found: list[Problem] = []
    try:
        count = 0
        for problems, _ in _sample(pipeline, path, rows):
            count += 1
            found += problems
            if len(found) >= REPORTED:
                break
        if not count and _scannable(pipeline):
            found.append(Problem(f"{path} holds no rows", remedy="name a file with data"))
    except ProblemError as error:
        found += error.problems
    return found[:REPORTED]


def label_zero_share(pipeline: Pipeline, path: str, rows: int = 1000) -> dict[str, float]:
    """Returns for each label field the share of zeros in the first good rows.

    Nothing for an input type that is not scanned, and for data without a good row.

    Raises:
      ConfigError, DataError: the data cannot be read at all.
    """
    labels = pipeline.config.data_config.label_fields
    good = [values for problems, values in _sample(pipeline, path, rows) if not problems]
    if not good:
        return {}
    return {
        label: sum(values[label] in (0, b"0", False) for values in good) / len(good)
        for label in labels
        if label in good[0]
    }


def _scannable(pipeline: Pipeline) -> bool:
    return enum_name(pipeline.config.data_config, "input_type").startswith(("CSV", "Parquet"))


def _sample(pipeline: Pipeline, path: str, rows: int) -> Sample:
    fields = input_fields(pipeline)
    name = enum_name(pipeline.config.data_config, "input_type")
    refused = refusal(name, pipeline.place("data_config.input_type"))
    if refused:
        raise ConfigError(refused)
    if name.startswith("CSV"):
        files = expand(path)
        layout = csv_text.layout(csv_text.csv_format(pipeline), files, fields, fields)
        yield from csv_text.sample(layout, files, rows)
    elif name.startswith("Parquet"):
        files = expand(path)
        problems = [
            problem for file in files for problem in parquet_table.check_schema(file, fields)[1]
        ]
        if problems:
            raise DataError(problems)
        yield from parquet_table.sample(files, fields, rows)
