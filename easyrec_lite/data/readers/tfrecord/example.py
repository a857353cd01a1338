"""Serialized `tf.train.Example`s: the values of their fields, and what is wrong with them.

No TensorFlow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import DecodeError

from easyrec_lite.checks.columns import CellValue, InputField
from easyrec_lite.core.errors import Place, Problem, nearest
from easyrec_lite.data.readers.partitions import folder_texts

# How many records are searched for fields that none of them holds.
HEAD = 1000
LISTS = {
    "INT32": "int64_list",
    "INT64": "int64_list",
    "BOOL": "int64_list",
    "FLOAT": "float_list",
    "DOUBLE": "float_list",
    "STRING": "bytes_list",
}

_LIST = """
message_type {{
  name: "{name}" field {{ name: "value" number: 1 label: LABEL_REPEATED type: {type} }}
}}
"""
_OPTION = """
field {{
  name: "{name}_list" number: {number} label: LABEL_OPTIONAL type: TYPE_MESSAGE oneof_index: 0
  type_name: ".example.{type}"
}}
"""
# The part of `tensorflow/core/example/*.proto` that a record consists of.
SCHEMA = f"""
name: "example.proto" package: "example" syntax: "proto3"
{_LIST.format(name="BytesList", type="TYPE_BYTES")}
{_LIST.format(name="FloatList", type="TYPE_FLOAT")}
{_LIST.format(name="Int64List", type="TYPE_INT64")}
message_type {{
  name: "Feature" oneof_decl {{ name: "kind" }}
  {_OPTION.format(name="bytes", number=1, type="BytesList")}
  {_OPTION.format(name="float", number=2, type="FloatList")}
  {_OPTION.format(name="int64", number=3, type="Int64List")}
}}
message_type {{
  name: "Features"
  nested_type {{
    name: "FeatureEntry" options {{ map_entry: true }}
    field {{ name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }}
    field {{
      name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".example.Feature"
    }}
  }}
  field {{
    name: "feature" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE
    type_name: ".example.Features.FeatureEntry"
  }}
}}
message_type {{
  name: "Example"
  field {{
    name: "features" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE
    type_name: ".example.Features"
  }}
}}
"""


@cache
def _message(name: str) -> Any:
    """Returns a message class of the schema."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"example.{name}"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    made = descriptor_pool.DescriptorPool()
    made.Add(text_format.Parse(SCHEMA, descriptor_pb2.FileDescriptorProto()))
    return made


def absent_fields(file: str, head: Iterable[bytes], fields: Sequence[InputField]) -> list[Problem]:
    """Returns a problem for each field that none of the first records of a file holds.

    It is an error if the field is a key of the file's folders, which are not read here.
    """
    names: set[str] = set()
    for record in head:
        try:
            names.update(_message("Example").FromString(record).features.feature)
        except DecodeError:
            return []
    return [_absent(file, field, names) for field in fields if names and field.name not in names]


def _absent(file: str, field: InputField, names: set[str]) -> Problem:
    if field.name in folder_texts(file):
        return Problem(
            "a folder holds this field, and the records do not",
            Place(file),
            field.name,
            remedy="write it into the records, or use CSV or Parquet files",
        )
    value = "" if field.required else f": it is {field.default!r}"
    return Problem(
        f"none of the first {HEAD} records has it{value}",
        Place(file),
        field.name,
        nearest=nearest(field.name, names),
        severity="warning",
    )


def record_values(
    record: bytes, fields: Sequence[InputField]
) -> tuple[dict[str, CellValue], list[Problem]]:
    """Returns field name → value of a record, and what is wrong with it, without its place."""
    try:
        features = _message("Example").FromString(record).features.feature
    except DecodeError:
        return {}, [Problem("the record is not a serialized tf.train.Example")]
    values, problems, nothing = {}, [], _message("Feature")()
    for field in fields:
        feature = features.get(field.name, nothing)
        found = list(_problems(field, feature))
        problems += found
        if not found:
            values[field.name] = _value(field, feature)
    return values, problems


def _value(field: InputField, feature: Any) -> CellValue:
    """Returns the value of a good feature."""
    kind = feature.WhichOneof("kind")
    if kind is None:
        return field.default
    value: CellValue = getattr(feature, kind).value[0]
    return bool(value) if field.type == "BOOL" else value


def _problems(field: InputField, feature: Any) -> Iterator[Problem]:
    """Yields the problem of a feature of an Example that is not one good value."""
    name, kind = LISTS[field.type], feature.WhichOneof("kind")
    if kind is None:
        if field.required:
            yield field.problem(b"")
        return
    values = getattr(feature, kind).value
    if kind != name or len(values) != 1:
        yield Problem(
            message=f"the field is not one value of {name}",
            path=field.name,
            expected=f"one value of {name}, as {field.type} is stored",
            found=f"{len(values)} values of {kind}",
            remedy="write one value; join lists into one string with the feature's separator",
        )
    elif not _good(field, values[0]):
        yield field.problem(str(values[0]).encode())


def _good(field: InputField, value: int | float | bytes) -> bool:
    if field.type == "INT32":
        return isinstance(value, int) and -(2**31) <= value < 2**31
    return not isinstance(value, float) or math.isfinite(value)
