"""Hypothesis strategies that fill messages of the schema with random fields."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from hypothesis import strategies as st

from easyrec_lite.config.values import is_repeated, is_required
from easyrec_lite.protos import message_class

STRUCT = "google.protobuf.Struct"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
SCALARS = {
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(width=32, allow_nan=False),
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(allow_nan=False),
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_STRING: TEXTS,
}


@st.composite
def messages(draw: st.DrawFn, name: str = "EasyRecConfig", depth: int = 5) -> Any:
    """Draws a message with some of its fields set; required ones that have no default always."""
    message = message_class(name)()
    fill(draw, message, depth)
    return message


def fill(draw: st.DrawFn, message: Any, depth: int) -> None:
    if message.DESCRIPTOR.full_name == STRUCT:
        message.update(draw(st.dictionaries(TEXTS, PLAIN, max_size=3)))
        return
    fields = list(message.DESCRIPTOR.fields)
    chosen = draw(st.sets(st.sampled_from(fields), max_size=4)) if fields and depth else set()
    required = {field for field in fields if is_required(field) and not field.has_default_value}
    for field in sorted(chosen | required, key=lambda field: field.number):
        for _ in range(draw(st.integers(1, 3)) if is_repeated(field) else 1):
            set_field(draw, message, field, max(depth - 1, 0))


def set_field(draw: st.DrawFn, message: Any, field: Any, depth: int) -> None:
    if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        child = getattr(message, field.name)
        child = child.add() if is_repeated(field) else child
        child.SetInParent()
        fill(draw, child, depth)
        return
    value = draw(scalars(field))
    if is_repeated(field):
        getattr(message, field.name).append(value)
    else:
        setattr(message, field.name, value)


def scalars(field: Any) -> st.SearchStrategy[Any]:
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return SCALARS[field.cpp_type]
