"""What the tests of the readers share: small pipelines, and batches as plain Python."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from google.protobuf import text_format

from easyrec_lite.config import ConfigSource, Pipeline
from easyrec_lite.core.errors import DataError
from easyrec_lite.data.readers.base import READ_ERRORS, Reader
from easyrec_lite.protos.messages import EasyRecConfig


def pipeline(fields: str, more: str = "", input_type: str = "CSVInput") -> Pipeline:
    """Returns a pipeline of fields given as `name:TYPE` or `name:TYPE=default`."""
    text = ""
    for field in fields.split():
        name, _, rest = field.partition(":")
        kind, _, default = rest.partition("=")
        given = f'default_val: "{default}"' if default else ""
        text += f'input_fields {{ input_name: "{name}" input_type: {kind or "STRING"} {given} }}\n'
    config = EasyRecConfig()
    data = f"input_type: {input_type} {more} {text}"
    whole = f'data_config {{ {data} }} model_config {{ model_class: "DSSM" }}'
    text_format.Parse(whole, config)
    return Pipeline(config, ConfigSource("test.config", whole))


def plain(value: Any) -> list:
    return value.to_list() if isinstance(value, tf.RaggedTensor) else value.numpy().tolist()


def read(reader: Reader, batch_size: int, **order: Any) -> list[tuple[dict[str, list], tuple]]:
    """Returns all batches as (columns, position)."""
    return [
        ({name: plain(column) for name, column in columns.items()}, tuple(position.numpy()))
        for columns, position in reader.batches(batch_size, **order)
    ]


def column(reader: Reader, name: str, batch_size: int = 4, **order: Any) -> list:
    return [value for columns, _ in read(reader, batch_size, **order) for value in columns[name]]


def failure(reader: Reader, batch_size: int = 4, **order: Any) -> tuple[DataError, int]:
    """Returns what `explain` says of the error that reading ends with, and the batches before."""
    seen: list[tuple[int, int]] = []
    try:
        for _, position in reader.batches(batch_size, **order):
            seen.append(tuple(position.numpy()))
    except READ_ERRORS as error:
        return reader.explain(error, seen[-1] if seen else None), len(seen)
    raise AssertionError("reading did not fail")
