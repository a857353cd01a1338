"""The columns of `data_config.input_fields`: their types, their defaults, and which cells are bad.

Imports neither TensorFlow nor NumPy.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.view import View
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem, nearest

CellValue = int | float | bool | bytes

SKIP_REMEDY = "correct the row, or set data_config.bad_row_policy: SKIP to leave such rows out"
NO_DEFAULT_REMEDY = f"{SKIP_REMEDY}; or state what an empty cell means as the field's default_val"

INTEGER = re.compile(rb"[+-]?[0-9]+")
DECIMAL = re.compile(rb"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# As `tf.io.decode_csv` and EasyRec read it: 0x1p3 is 8.
HEXADECIMAL = re.compile(
    rb"[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)([pP][+-]?[0-9]+)?"
)
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


def _double(text: bytes) -> float:
    text = text.strip()
    if DECIMAL.fullmatch(text):
        value = float(text)
    elif HEXADECIMAL.fullmatch(text):
        value = _from_hex(text)
    else:
        raise ValueError
    if not math.isfinite(value):
        raise ValueError
    return value


def _from_hex(text: bytes) -> float:
    try:
        return float.fromhex(text.decode())
    except OverflowError:
        return math.inf


def _single(text: bytes) -> float:
    value = _double(text)
    try:
        struct.pack("<f", value)
    except OverflowError:
        raise ValueError from None
    return value


def _boolean(text: bytes) -> bool:
    value = BOOLEANS.get(text.strip().lower())
    if value is None:
        raise ValueError
    return value


@dataclass(frozen=True)
class FieldType:
    """A type of input fields.

    Attributes:
      dtype: the name of the TensorFlow dtype of its columns.
      empty: the value of an empty cell that has no default.
      expected: which texts are values, for messages.
      parse: text → value; raises `ValueError` for other texts.
    """

    dtype: str
    empty: CellValue
    expected: str
    parse: Callable[[bytes], CellValue]


FIELD_TYPES = {
    "INT32": FieldType("int32", 0, "a whole number from -2147483648 to 2147483647", _integer(32)),
    "INT64": FieldType("int64", 0, "a whole number of at most 64 bits", _integer(64)),
    "STRING": FieldType("string", b"", "any text", bytes),
    "FLOAT": FieldType("float32", 0.0, "a finite decimal of single precision", _single),
    "DOUBLE": FieldType("float64", 0.0, "a finite decimal", _double),
    "BOOL": FieldType("bool", False, "true, false, 1 or 0", _boolean),
}


@dataclass(frozen=True)
class InputField:
    """A column of the data.

    Example:
      >>> InputField("age", "INT32", 18).parse(b"21"), InputField("age", "INT32", 18).parse(b"")
      (21, 18)

    Attributes:
      name: `input_name`.
      type: `INT32`, `INT64`, `STRING`, `FLOAT`, `DOUBLE` or `BOOL`.
      default: the value of an empty cell.
      required: whether an empty cell is bad: that of a label or weight without `default_val`.
    """

    name: str
    type: str
    default: CellValue
    required: bool = False

    @property
    def kind(self) -> FieldType:
        """What holds for every field of this type."""
        return FIELD_TYPES[self.type]

    @property
    def dtype(self) -> str:
        """The name of the dtype of the column's tensor."""
        return self.kind.dtype

    @property
    def whole(self) -> bool:
        """Whether its values are integers."""
        return self.type.startswith("INT")

    def parse(self, text: bytes) -> CellValue:
        """Returns the value of a cell; an empty one has the default.

        Raises:
          ValueError: `text` is no value of this type, or empty though it is required.
        """
        return self.kind.parse(text) if text or self.required else self.default

    def accepts(self, text: bytes) -> bool:
        """Returns whether `text` is a value of this type, or empty and not required."""
        try:
            self.parse(text)
        except ValueError:
            return False
        return True

    def problem(self, text: bytes) -> Problem:
        """Returns the problem that `text` is no value of this type; the caller adds the place."""
        if self.required and not text:
            return Problem(
                message="the cell of a label or weight is empty",
                path=self.name,
                expected=self.kind.expected,
                found="nothing",
                remedy=NO_DEFAULT_REMEDY,
            )
        return Problem(
            message=f"{shown(text)} is not a value of type {self.type}",
            path=self.name,
            expected=self.kind.expected + ("" if self.required else ", or nothing"),
            found=shown(text),
            remedy=SKIP_REMEDY,
        )


def shown(text: bytes, width: int = 80) -> str:
    """Returns a cell as messages show it: quoted, and cut after `width` characters."""
    plain = text.decode("utf-8", errors="backslashreplace")
    return repr(plain if len(plain) <= width else plain[:width] + "…")


def input_fields(pipeline: Pipeline) -> tuple[InputField, ...]:
    """Returns the columns of `data_config.input_fields` in order, ranges such as `f[1-3]` expanded.

    The config has been checked: names differ, and defaults are values of their types.
    """
    data, fields = pipeline.config.data_config, []
    supervising = {*data.label_fields, data.sample_weight}
    for named in View(pipeline).fields.values():
        kind = enum_name(named.config, "input_type")
        default = named.config.default_val.encode()
        field = InputField(named.name, kind, FIELD_TYPES[kind].empty)
        required = named.name in supervising and not default
        fields.append(InputField(named.name, kind, field.parse(default), required))
    return tuple(fields)


def select(fields: Sequence[InputField], columns: Collection[str] | None) -> tuple[InputField, ...]:
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
                remedy="add it to input_fields, or remove it from what reads it",
            )
            for name in unknown
        )
    return tuple(field for field in fields if field.name in columns)
