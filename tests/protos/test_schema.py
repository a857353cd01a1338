"""The compiled schema against the interface facts of EasyRec's schema."""

from __future__ import annotations

import ast
import doctest
import functools
import json
import keyword
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FieldDescriptor

from easyrec_lite import protos
from easyrec_lite.protos import docs, messages
from tests.conftest import shared_folder

OURS = 5001
LABELS = {
    FieldDescriptor.LABEL_OPTIONAL: "optional",
    FieldDescriptor.LABEL_REQUIRED: "required",
    FieldDescriptor.LABEL_REPEATED: "repeated",
}
SCALARS = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): name
    for name in ["bool", "string", "float", "double", "int32", "int64", "uint32", "uint64"]
}
PARSE = {"float": np.float32, "double": float, "bool": {"true": True, "false": False}.__getitem__}
PARSE |= dict.fromkeys(["int32", "int64", "uint32", "uint64"], int)


@pytest.fixture(scope="module")
def easyrec() -> dict[str, Any]:
    return json.loads((shared_folder("spec") / "easyrec_schema.json").read_text())


def _name(full_name: str) -> str:
    return full_name.removeprefix(f"{protos.PACKAGE}.")


def _below(message: Any) -> Iterator[Any]:
    yield message
    for nested in message.nested_types:
        yield from _below(nested)


def _files() -> list[Any]:
    files = [file for file in protos.schema().file if file.package == protos.PACKAGE]
    return [protos.pool().FindFileByName(file.name) for file in files]


def _messages() -> dict[str, Any]:
    top = [message for file in _files() for message in file.message_types_by_name.values()]
    return {_name(m.full_name): m for root in top for m in _below(root)}


def _enums() -> dict[str, Any]:
    found = [enum for file in _files() for enum in file.enum_types_by_name.values()]
    found += [enum for message in _messages().values() for enum in message.enum_types]
    return {_name(enum.full_name): enum for enum in found}


def _type(field: Any) -> str:
    holder = field.message_type or field.enum_type
    return _name(holder.full_name) if holder else SCALARS[field.type]


def _default(field: Any) -> Any:
    if not field.has_default_value:
        return None
    if field.enum_type:
        return field.enum_type.values_by_number[field.default_value].name
    return np.float32(field.default_value) if _type(field) == "float" else field.default_value


def _label(field: Any) -> str:
    proto = descriptor_pb2.DescriptorProto()
    field.containing_type.CopyToProto(proto)
    return LABELS[proto.field[field.index].label]


def _row(field: Any) -> list[Any]:
    oneof = field.containing_oneof.name if field.containing_oneof else None
    return [field.name, field.number, _label(field), _type(field), _default(field), oneof]


def _expected_row(row: list[Any]) -> list[Any]:
    name, number, label, kind, default, oneof = row
    value = None if default is None else PARSE.get(kind, str)(default)
    return [name, number, label, kind, value, oneof]


def _our_fields(easyrec: dict[str, Any]) -> list[tuple[str, Any]]:
    """Returns (message, field) of what our schema adds, in EasyRec's messages and in our own."""
    theirs = easyrec["messages"]
    return [
        (name, field)
        for name, message in _messages().items()
        for field in message.fields
        if field.name not in {row[0] for row in theirs.get(name, [])}
    ]


def test_messages_are_those_of_easyrec(easyrec: dict[str, Any]) -> None:
    assert len(easyrec["messages"]) == 169
    assert sum(map(len, easyrec["messages"].values())) == 1001
    ours = {name for name, message in _messages().items() if name not in easyrec["messages"]}
    assert sorted(set(_messages()) - ours) == sorted(easyrec["messages"])
    assert ours <= {_type(field) for _, field in _our_fields(easyrec)}


def test_fields_are_those_of_easyrec(easyrec: dict[str, Any]) -> None:
    found = {
        name: sorted(_row(field) for field in message.fields if field.number < OURS)
        for name, message in _messages().items()
        if name in easyrec["messages"]
    }
    expected = {
        name: sorted(_expected_row(row) for row in rows)
        for name, rows in easyrec["messages"].items()
    }
    assert found == expected


def test_enums_are_those_of_easyrec(easyrec: dict[str, Any]) -> None:
    found = {
        name: [(value.name, value.number) for value in enum.values]
        for name, enum in _enums().items()
        if name in easyrec["enums"]
    }
    theirs = {
        name: {value: number for value, number in values if number < OURS}
        for name, values in found.items()
    }
    assert theirs == easyrec["enums"]
    # The first value is what an unset field without a default reads as.
    firsts = {name: next(iter(values.items())) for name, values in easyrec["enums"].items()}
    assert {name: values[0] for name, values in found.items()} == firsts


def test_what_is_ours_is_numbered_from_5001(easyrec: dict[str, Any]) -> None:
    ours = _our_fields(easyrec)
    assert ours
    assert [(name, field.name) for name, field in ours if field.number < OURS] == []
    assert [(name, field.name) for name, field in ours if _label(field) == "required"] == []
    users = {field.enum_type.full_name for _, field in ours if field.enum_type}
    own = {enum.full_name for name, enum in _enums().items() if name not in easyrec["enums"]}
    assert own <= users


def _comments() -> Iterator[tuple[str, str]]:
    for message in docs.messages().values():
        yield message.name, message.comment
        yield from ((field.full_name, field.comment) for field in message.fields.values())
    for enum in docs.enums().values():
        yield enum.name, enum.comment
        yield from ((f"{enum.name}.{value.name}", value.comment) for value in enum.values)


def test_everything_is_commented() -> None:
    comments = dict(_comments())
    total = sum(len(message.fields) + 1 for message in _messages().values())
    total += sum(len(enum.values) + 1 for enum in _enums().values())
    assert len(comments) == total > 1250
    assert [name for name, comment in comments.items() if len(comment.split()) < 3] == []


def test_comments_say_more_than_the_name() -> None:
    def words(text: str) -> set[str]:
        spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
        return set(re.findall(r"\w+", spaced.replace("_", " ").lower()))

    for name, comment in _comments():
        assert words(comment) - words(name) - {"a", "the", "of", "for", "to", "is"}, name


def test_docs_agree_with_the_descriptors() -> None:
    """Types, labels, numbers and oneofs, computed from the file protos and from the pool."""
    for name, message in _messages().items():
        for field in message.fields:
            doc = docs.messages()[name].fields[field.name]
            assert (doc.number, doc.label, doc.type) == (field.number, _label(field), _type(field))
            oneof = field.containing_oneof
            members = {other.name for other in oneof.fields} - {field.name} if oneof else set()
            assert (doc.oneof, set(doc.siblings)) == (oneof.name if oneof else "", members)
            values = [(v.name, v.number) for v in field.enum_type.values] if field.enum_type else []
            assert [(value.name, value.number) for value in doc.values] == values
            assert bool(doc.default) == field.has_default_value


def test_unknown_names() -> None:
    with pytest.raises(AttributeError, match="EasyRecConfg"):
        messages.EasyRecConfg  # noqa: B018
    with pytest.raises(KeyError):
        protos.enum_descriptor("Nothing")


def test_the_stub_tells_type_checkers_what_exists() -> None:
    """Each class of `messages.pyi` exists with the same fields, and each message is there."""
    tree = ast.parse(Path(messages.__file__).with_suffix(".pyi").read_text("utf-8"))
    classes = dict(_classes(tree.body, ""))
    assert {name for name in classes if name not in _enums()} == set(_messages())
    for name, members in classes.items():
        made = functools.reduce(getattr, name.split("."), messages)
        if name in _enums():
            assert {member for member in members if member != "__slots__"} == set(made.keys())
        else:
            fields = {field.name for field in _messages()[name].fields}
            assert {field for field in fields if not keyword.iskeyword(field)} <= members
            assert [member for member in members if not hasattr(made(), member)] == []


def test_the_example_of_messages_runs() -> None:
    assert doctest.testmod(messages) == (0, 3)


def _classes(body: Iterable[ast.stmt], prefix: str) -> Iterator[tuple[str, set[str]]]:
    """Yields each class of a stub, nested ones too, with the names declared in it."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield (
                prefix + node.name,
                {
                    part.target.id
                    for part in node.body
                    if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
                },
            )
            yield from _classes(node.body, f"{prefix}{node.name}.")


BESIDE = """
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
if {ours_first}:
    from easyrec_lite.protos.messages import EasyRecConfig
theirs = descriptor_pool.Default()
for package in ["protos", "easyrec_lite"]:
    file = descriptor_pb2.FileDescriptorProto(
        name=package + "/pipeline.proto", package=package, syntax="proto2")
    field = file.message_type.add(name="EasyRecConfig").field.add(name="model_dir", number=5)
    field.type, field.label = field.TYPE_INT32, field.LABEL_OPTIONAL
    theirs.Add(file)
other = message_factory.GetMessageClass(theirs.FindMessageTypeByName("easyrec_lite.EasyRecConfig"))
from easyrec_lite.protos.messages import EasyRecConfig
ours = EasyRecConfig(model_dir="somewhere")
assert EasyRecConfig.FromString(ours.SerializePartialToString()).model_dir == "somewhere"
assert other.FromString(other(model_dir=3).SerializeToString()).model_dir == 3
"""


@pytest.mark.parametrize("ours_first", [True, False])
def test_loads_beside_messages_of_the_same_name(ours_first: bool) -> None:
    program = BESIDE.format(ours_first=ours_first)
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_struct_fields_take_any_parameters() -> None:
    layer = messages.KerasLayer(class_name="Dense")
    layer.st_params.update({"units": 8, "use_bias": False})
    again = messages.KerasLayer.FromString(layer.SerializeToString())
    assert dict(again.st_params.items()) == {"units": 8.0, "use_bias": False}


def test_missing_schema_is_an_import_error_that_says_what_to_do(tmp_path: Path) -> None:
    package = Path(protos.__file__).parents[1]
    for name in ["__init__.py", "protos/__init__.py", "protos/messages.py"]:
        target = tmp_path / "easyrec_lite" / name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(package / name, target)
    program = "from easyrec_lite.protos.messages import EasyRecConfig"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: the compiled schema is missing")
    assert "pip install ." in last


def test_installed_schema_is_that_of_the_sources() -> None:
    """A proto edited after the last build would make every other test here look at the past."""
    folder = Path(protos.__file__).parents[2] / "protos"
    if not folder.is_dir():
        pytest.skip("the package is installed without its sources")
    declared = re.compile(r"(?:optional|required|repeated) [\w.]+ (\w+) = (\d+)")
    written = {
        path.name: {(name, int(number)) for name, number in declared.findall(path.read_text())}
        for path in folder.glob("*.proto")
    }
    compiled = {
        Path(file.name).name: {
            (field.name, field.number)
            for message in _all_protos(file.message_type)
            for field in message.field
            if not field.HasField("oneof_index")
        }
        for file in protos.schema().file
        if file.package == protos.PACKAGE
    }
    assert compiled == written


def _all_protos(messages: Any) -> Iterator[descriptor_pb2.DescriptorProto]:
    for message in messages:
        yield message
        yield from _all_protos(message.nested_type)
