"""Messages, fields and enums of the schema with their comments, read from the compiled schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from easyrec_lite.protos import PACKAGE, schema

Path = tuple[int, ...]  # of an element in its file, as SourceCodeInfo counts
LABELS = {
    FieldDescriptorProto.LABEL_OPTIONAL: "optional",
    FieldDescriptorProto.LABEL_REQUIRED: "required",
    FieldDescriptorProto.LABEL_REPEATED: "repeated",
}


@dataclass(frozen=True)
class EnumValueDoc:
    """One value of an enum."""

    name: str
    number: int
    comment: str


@dataclass(frozen=True)
class EnumDoc:
    """An enum: its name inside the schema, its comment, its values as declared."""

    name: str
    comment: str
    values: tuple[EnumValueDoc, ...]


@dataclass(frozen=True)
class FieldDoc:
    """One field of a message.

    Attributes:
      message: name of the message that holds it, e.g. `DatasetConfig.Field`.
      name: e.g. `input_type`.
      number: field number in the schema; 5001 and up are fields of this project.
      label: `optional`, `required` or `repeated`.
      type: scalar type such as `uint32`, or the name of a message or enum of the schema.
      default: the declared default as the schema writes it (strings quoted); '': none declared.
      comment: what it means.
      oneof: name of the oneof that it belongs to, or ''.
      siblings: the other fields of that oneof.
      values: the allowed values when its type is an enum.
      path: config path that leads to it, or '' when not known.
    """

    message: str
    name: str
    number: int
    label: str
    type: str
    default: str
    comment: str
    oneof: str = ""
    siblings: tuple[str, ...] = ()
    values: tuple[EnumValueDoc, ...] = ()
    path: str = ""

    @property
    def full_name(self) -> str:
        """`Message.field`, unique in the schema."""
        return f"{self.message}.{self.name}"


@dataclass(frozen=True)
class MessageDoc:
    """A message: its name inside the schema, its comment, its fields by name as declared."""

    name: str
    comment: str
    fields: Mapping[str, FieldDoc]


@cache
def messages() -> Mapping[str, MessageDoc]:
    """Returns all messages of the schema by name, e.g. `DatasetConfig.Field`."""
    return {
        name: _message(name, proto, path, comments)
        for file, comments in _files()
        for name, proto, path in _messages_of(file)
    }


@cache
def enums() -> Mapping[str, EnumDoc]:
    """Returns all enums of the schema by name, e.g. `DatasetConfig.InputType`."""
    return {
        name: _enum(name, proto, path, comments)
        for file, comments in _files()
        for name, proto, path in _enums_of(file)
    }


def _files() -> list[tuple[FileDescriptorProto, dict[Path, str]]]:
    """Returns the schema's files, each with its comments by the path of what they precede."""
    return [
        (
            file,
            {
                tuple(location.path): " ".join(location.leading_comments.split())
                for location in file.source_code_info.location
            },
        )
        for file in schema().file
        if file.package == PACKAGE
    ]


def _messages_of(file: FileDescriptorProto) -> Iterator[tuple[str, DescriptorProto, Path]]:
    return _below(file.message_type, "", (FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER,))


def _below(
    protos: Sequence[DescriptorProto], prefix: str, path: Path
) -> Iterator[tuple[str, DescriptorProto, Path]]:
    for index, proto in enumerate(protos):
        name, here = prefix + proto.name, (*path, index)
        yield name, proto, here
        nested = (*here, DescriptorProto.NESTED_TYPE_FIELD_NUMBER)
        yield from _below(proto.nested_type, f"{name}.", nested)


def _enums_of(file: FileDescriptorProto) -> Iterator[tuple[str, EnumDescriptorProto, Path]]:
    for index, proto in enumerate(file.enum_type):
        yield proto.name, proto, (FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER, index)
    for holder, message, path in _messages_of(file):
        for index, proto in enumerate(message.enum_type):
            here = (*path, DescriptorProto.ENUM_TYPE_FIELD_NUMBER, index)
            yield f"{holder}.{proto.name}", proto, here


def _enum(name: str, proto: EnumDescriptorProto, path: Path, comments: dict[Path, str]) -> EnumDoc:
    values = (*path, EnumDescriptorProto.VALUE_FIELD_NUMBER)
    return EnumDoc(
        name,
        comments.get(path, ""),
        tuple(
            EnumValueDoc(value.name, value.number, comments.get((*values, index), ""))
            for index, value in enumerate(proto.value)
        ),
    )


def _message(
    name: str, proto: DescriptorProto, path: Path, comments: dict[Path, str]
) -> MessageDoc:
    fields = (*path, DescriptorProto.FIELD_FIELD_NUMBER)
    return MessageDoc(
        name,
        comments.get(path, ""),
        {
            field.name: _field(name, proto, field, comments.get((*fields, index), ""))
            for index, field in enumerate(proto.field)
        },
    )


def _field(
    message: str, holder: DescriptorProto, field: FieldDescriptorProto, comment: str
) -> FieldDoc:
    kind = _type(field)
    oneof, members = _oneof(holder, field)
    return FieldDoc(
        message=message,
        name=field.name,
        number=field.number,
        label=LABELS[field.label],
        type=kind,
        default=_default(field),
        comment=comment,
        oneof=oneof,
        siblings=tuple(name for name in members if name != field.name),
        values=enums()[kind].values if kind in enums() else (),
    )


def _oneof(holder: DescriptorProto, field: FieldDescriptorProto) -> tuple[str, list[str]]:
    """Returns the name of the field's oneof and the names of its members; '' and none."""
    if not field.HasField("oneof_index"):
        return "", []
    members = [
        other.name
        for other in holder.field
        if other.HasField("oneof_index") and other.oneof_index == field.oneof_index
    ]
    return holder.oneof_decl[field.oneof_index].name, members


def _type(field: FieldDescriptorProto) -> str:
    if field.type_name:
        return field.type_name.removeprefix(f".{PACKAGE}.").removeprefix(".")
    return FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()


def _default(field: FieldDescriptorProto) -> str:
    if not field.HasField("default_value"):
        return ""
    is_text = field.type == FieldDescriptorProto.TYPE_STRING
    return f'"{field.default_value}"' if is_text else field.default_value
