"""Converts a scalar, as it is written, to the value of a field, by the field's type."""

from __future__ import annotations

import math
import re
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from easyrec_lite.config.syntax import Quote, ScalarNode
from easyrec_lite.core.errors import nearest

# A `FieldDescriptor`. Protobuf's stubs give a message's fields another type than they ask for.
Field = Any

INTEGER_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: ("int32", -(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: ("int64", -(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: ("uint32", 0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: ("uint64", 0, 2**64 - 1),
}
FLOATS = {FieldDescriptor.CPPTYPE_FLOAT: "float", FieldDescriptor.CPPTYPE_DOUBLE: "double"}
BOOLEANS = dict.fromkeys(("true", "True", "t", "1"), True) | dict.fromkeys(
    ("false", "False", "f", "0"), False
)
INTEGER = re.compile(r"(-?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]+)|([1-9][0-9]*|0))", re.ASCII)
MOST_DIGITS = 30
FLOAT = re.compile(
    r"(-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)f?|-?(?:inf(?:inity)?|nan)", re.IGNORECASE
)
LARGEST_FLOAT = (2 - 2**-24) * 2.0**127  # Numbers from here on round to infinity in float32.


class Mismatch(ValueError):
    """A value does not fit its field."""

    def __init__(self, expected: str, close: str = "", remedy: str = ""):
        super().__init__(expected)
        self.expected = expected
        self.close = close
        self.remedy = remedy


def is_repeated(field: Field) -> bool:
    """Whether `field` holds a list. Older protobuf has `label`, newer `is_repeated`."""
    answer = getattr(field, "is_repeated", None)
    return field.label == FieldDescriptor.LABEL_REPEATED if answer is None else answer


def is_required(field: Field) -> bool:
    """Whether the schema says `required`, with or without a default."""
    answer = getattr(field, "is_required", None)
    return field.label == FieldDescriptor.LABEL_REQUIRED if answer is None else answer


def is_message(field: Field) -> bool:
    """Whether `field` holds messages."""
    return field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE


def is_map(field: Field) -> bool:
    """Whether `field` is a map, such as the fields of a `Struct`."""
    return is_message(field) and field.message_type.GetOptions().map_entry


def coerce(field: Field, scalar: ScalarNode) -> Any:
    """Returns `scalar` as a value of the type of `field`, which is not a message.

    Raises:
      Mismatch: it is no such value, or out of range.
    """
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return _string(scalar)
    if scalar.quote is Quote.QUOTED:
        raise Mismatch(describe(field), remedy=f"write it without quotes: {scalar.text}")
    if field.cpp_type in INTEGER_RANGES:
        return _integer(field, scalar.text)
    if field.cpp_type in FLOATS:
        return _float(field, scalar.text)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return _boolean(scalar)
    return _enum(field, scalar.text)


def describe(field: Field) -> str:
    """Returns, for error messages, what values `field` takes."""
    if is_message(field):
        return f"a {field.message_type.name}, {{ … }}"
    if field.cpp_type in INTEGER_RANGES:
        return "{}, a whole number from {} to {}".format(*INTEGER_RANGES[field.cpp_type])
    if field.cpp_type in FLOATS:
        return f"{FLOATS[field.cpp_type]}, a number"
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return "true or false"
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return "a string in quotes"
    return "one of " + ", ".join(value.name for value in field.enum_type.values)


def _string(scalar: ScalarNode) -> str:
    if scalar.quote is Quote.BARE:
        raise Mismatch("a string in quotes", remedy=f'write it in quotes: "{scalar.text}"')
    try:
        scalar.text.encode()
    except UnicodeEncodeError:
        raise Mismatch("a string of valid Unicode characters") from None
    return scalar.text


def _integer(field: Field, text: str) -> int:
    number = _whole(text)
    _, low, high = INTEGER_RANGES[field.cpp_type]
    if number is None or not low <= number <= high:
        raise Mismatch(describe(field))
    return number


def _whole(text: str) -> int | None:
    """Returns a whole number (decimal, 0x…, 0…); None for anything else, or over 30 digits."""
    match = INTEGER.fullmatch(text)
    if match is None:
        return None
    sign, hexadecimal, octal, decimal = match.groups()
    digits = hexadecimal or octal or decimal
    if len(digits) > MOST_DIGITS:
        return None
    return int(sign + digits, 16 if hexadecimal else 8 if octal else 10)


def _float(field: Field, text: str) -> float:
    match = FLOAT.fullmatch(text)
    if match is None:
        raise Mismatch(describe(field))
    number = float(match.group(1) or text)
    single = field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT
    if single and math.isfinite(number) and abs(number) >= LARGEST_FLOAT:
        raise Mismatch("a number within the range of float, 3.4028235e+38")
    return number


def _boolean(scalar: ScalarNode) -> bool:
    text = scalar.text.lower() if scalar.quote is Quote.STRING else scalar.text
    if text not in BOOLEANS:
        raise Mismatch("true or false", nearest(text, ("true", "false")))
    return BOOLEANS[text]


def _enum(field: Field, text: str) -> int:
    values = field.enum_type.values_by_name
    if text in values:
        return values[text].number
    number = _whole(text)
    if number is not None and number in field.enum_type.values_by_number:
        return number
    same = [name for name in values if name.lower() == text.lower()]
    raise Mismatch(describe(field), same[0] if same else nearest(text, values))
