"""The columns of `data_config.input_fields`: their types, defaults, and what is a bad value.

Nothing here imports TensorFlow until `Field.dtype` is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from easyrec_lite.checks.view import enum_name, expand_name
from easyrec_lite.core.errors import ConfigError, Problem, nearest

if TYPE_CHECKING:
    import tensorflow as tf

    from easyrec_lite.config import Pipeline

Value = int | float | bool | bytes

INTEGER = re.compile(rb"[+-]?[0-9]+")
DECIMAL = re.compile(rb"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
BOOLEANS = {b"true": True, b"1": True, b"false": False, b"0": False}


def _integer(bits: int) -> Callable[[bytes], int]:
    def parse(text: bytes) -> int:
        text = text.strip()
        if not INTEGER.fullmatch(text):
            raise ValueError
        value = int(text)
        if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise ValueError
        return value

    return parse


def _decimal(dtype: type[np.floating]) -> Callable[[bytes], float]:
    def parse(text: bytes) -> float:
        text = text.strip()
        if not DECIMAL.fullmatch(text):
            raise ValueError
        value = float(text)
        with np.errstate(over="ignore"):
            if not np.isfinite(dtype(value)):
                raise ValueError
        return value

    return parse


def _boolean(text: bytes) -> bool:
    value = BOOLEANS.get(text.strip().lower())
    if value is None:
        raise ValueError
    return value


@dataclass(frozen=True)
class Kind:
    """A field type: the name of its TensorFlow dtype, the value of an empty cell, its texts."""

    dtype: str
    empty: Value
    expected: str
    parse: Callable[[bytes], Value]


KINDS = {
    "INT32": Kind("int32", 0, "a whole number from -2147483648 to 2147483647", _integer(32)),
    "INT64": Kind("int64", 0, "a whole number of at most 64 bits", _integer(64)),
    "STRING": Kind("string", b"", "any text", bytes),
    "FLOAT": Kind("float32", 0.0, "a finite decimal of single precision", _decimal(np.float32)),
    "DOUBLE": Kind("float64", 0.0, "a finite decimal", _decimal(np.float64)),
    "BOOL": Kind("bool", False, "true, false, 1 or 0", _boolean),
}


@dataclass(frozen=True)
class Field:
    """A column of the data.

    Attributes:
      name: `input_name`.
      type: `INT32`, `INT64`, `STRING`, `FLOAT`, `DOUBLE` or `BOOL`.
      default: the value of an empty cell.
    """

    name: str
    type: str
    default: Value

    @property
    def kind(self) -> Kind:
        """What holds for every field of this type."""
        return KINDS[self.type]

    @property
    def dtype(self) -> tf.DType:
        """The dtype of the column's tensor."""
        import tensorflow as tf

        return tf.as_dtype(self.kind.dtype)

    def parse(self, text: bytes) -> Value:
        """Returns the value of a cell; an empty one has the default.

        Raises:
          ValueError: this type has no such value.
        """
        return self.kind.parse(text) if text else self.default

    def problem(self, text: bytes) -> Problem:
        """Returns the problem that `text` is no value of this type; its place is the caller's."""
        return Problem(
            message=f"{shown(text)} is not a value of type {self.type}",
            path=self.name,
            expected=f"{self.kind.expected}, or nothing",
            found=shown(text),
            remedy="mend the row, or set data_config.bad_row_policy: SKIP to leave such rows out",
        )


def shown(text: bytes, width: int = 80) -> str:
    """Returns a cell as it is shown in a message: quoted, not too long."""
    plain = text.decode("utf-8", errors="backslashreplace")
    return repr(plain if len(plain) <= width else plain[:width] + "…")


def input_fields(pipeline: Pipeline) -> tuple[Field, ...]:
    """Returns the columns of `data_config.input_fields` in order, ranges such as `f[1-3]` expanded.

    Raises:
      ConfigError: there are none, a name comes twice, or a default is no value of its type.
    """
    data = pipeline.config.data_config
    fields: dict[str, Field] = {}
    problems = []
    for index, config in enumerate(data.input_fields):
        path = f"data_config.input_fields[{index}]"
        expand = data.auto_expand_input_fields
        for name in expand_name(config.input_name) if expand else [config.input_name]:
            try:
                field = _field(name, config)
            except ValueError as error:
                problems.append(Problem(str(error), pipeline.place(path), path + ".default_val"))
                continue
            if name in fields:
                message = f"input field {name!r} is listed twice"
                problems.append(Problem(message, pipeline.place(path), path))
            fields[name] = field
    if not fields and not problems:
        message = "data_config.input_fields is empty: it names no column"
        problems.append(Problem(message, pipeline.place("data_config"), "data_config.input_fields"))
    if problems:
        raise ConfigError(problems)
    return tuple(fields.values())


def _field(name: str, config: Any) -> Field:
    kind = enum_name(config, "input_type")
    field = Field(name, kind, KINDS[kind].empty)
    text = config.default_val.encode()
    try:
        return Field(name, kind, field.parse(text))
    except ValueError:
        raise ValueError(
            f"default_val {config.default_val!r} is not a value of type {kind}"
        ) from None


def select(fields: Sequence[Field], columns: Collection[str] | None) -> tuple[Field, ...]:
    """Returns the fields named in `columns` (None: all), in the order of `fields`.

    Raises:
      ConfigError: a column is not among the fields.
    """
    if columns is None:
        return tuple(fields)
    names = [field.name for field in fields]
    unknown = sorted(set(columns) - set(names))
    if unknown:
        raise ConfigError(
            Problem(
                message=f"column {name!r} is not among data_config.input_fields",
                path="data_config.input_fields",
                expected="one of " + ", ".join(names),
                nearest=nearest(name, names),
                remedy="add it to input_fields, or take it out of what asks for it",
            )
            for name in unknown
        )
    return tuple(field for field in fields if field.name in columns)
