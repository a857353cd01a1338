"""Rules about the data: input types, fields, labels, reading."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from easyrec_lite.checks.columns import FIELD_TYPES
from easyrec_lite.checks.encoding import ENCODINGS, codec
from easyrec_lite.checks.names import MOST_NAMES, enum_name, expand_name, too_wide
from easyrec_lite.checks.specs.reader import READERS
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]
LEAST_SHUFFLE_BUFFER = 1024
NUMBERS = ("INT32", "INT64", "FLOAT", "DOUBLE")


def input_type(view: View) -> Problems:
    """The data is read by a reader that is offered, which finds nothing wrong itself."""
    if not view.config.HasField("data_config"):
        yield view.error(
            "data_config",
            "the config says nothing about the data",
            expected="data_config { input_type: ... input_fields {...} }",
            remedy="describe the columns of the data files",
        )
        return
    path, name = "data_config.input_type", enum_name(view.data, "input_type")
    spec = READERS.find(name)
    if spec is None:
        yield dataclasses.replace(READERS.unknown(name), place=view.place(path), path=path)
    else:
        yield from spec.check(view)


def encoding(view: View) -> Problems:
    """The encoding is one that is offered, of files that are text."""
    path, name = "data_config.encoding", view.data.encoding
    spec = READERS.find(enum_name(view.data, "input_type"))
    if view.data.HasField("encoding") and spec is not None and not spec.reads_text:
        yield view.error(
            path,
            f"{spec.name} reads no text files, which alone have an encoding",
            found=repr(name),
            remedy="remove encoding; the tables of samplers are then UTF-8",
        )
    elif not codec(name):
        yield view.unknown(path, "encoding", name, ENCODINGS)


def paths(view: View) -> Problems:
    """The config names data to train on."""
    spec = READERS.find(enum_name(view.data, "input_type"))
    if view.config.WhichOneof("train_path") is None and not (spec and not spec.reads_files):
        yield view.warning(
            "train_input_path",
            "the config names no training data",
            expected="train_input_path: files, globs or folders",
            remedy="set train_input_path, or give --train_input_path",
        )


def input_fields(view: View) -> Problems:
    """Columns are listed, each once."""
    if view.config.HasField("data_config") and not view.data.input_fields:
        yield view.error(
            "data_config",
            "data_config lists no input_fields",
            expected="input_fields {...} for each column, in order",
            remedy="list the columns",
        )
    for path, names in view.field_names():
        first = next((view.fields[name] for name in names if view.fields[name].path != path), None)
        if first is not None:
            yield view.error(
                f"{path}.input_name",
                f"input field {first.name!r} is listed twice",
                found=f"the first one is at {view.place(first.path)}",
                remedy="give each column a name of its own",
            )


def ranges(view: View) -> Problems:
    """A range of columns is no wider than a table, and written only where it is to be expanded."""
    for name, field in view.fields.items():
        if too_wide(name):
            yield view.error(
                f"{field.path}.input_name",
                "the range of columns is too wide",
                expected=f"at most {MOST_NAMES} columns",
                found=name,
                remedy="correct the range",
            )
    if view.data.auto_expand_input_fields:
        return
    for name, field in view.fields.items():
        names = expand_name(name)
        if names != [name]:
            yield view.error(
                f"{field.path}.input_name",
                f"input field {name!r} looks like a range of columns",
                remedy=f"set auto_expand_input_fields: true; it then is {names[0]} … {names[-1]}",
            )


def default_values(view: View) -> Problems:
    """The value of an empty cell is one of the field's type."""
    for named in view.fields.values():
        text, kind = named.config.default_val, FIELD_TYPES[view.field_type(named.name)]
        try:
            kind.parse(text.encode() or b"0")
        except ValueError:
            yield view.error(
                f"{named.path}.default_val",
                f"default_val of field {named.name!r} is no {view.field_type(named.name)}",
                expected=kind.expected,
                found=repr(text),
                remedy="change it, or make the field a STRING",
            )


def labels(view: View) -> Problems:
    """Labels and weights are columns."""
    session = view.spec.session_id(view.model_config) if view.spec else ""
    known = [name for name in view.data.label_fields if name != session]
    label = view.model_config.label_name or next(iter(known), "")
    for index, name in enumerate(view.data.label_fields):
        if name not in view.fields:
            yield view.unknown(
                f"data_config.label_fields[{index}]",
                "label field",
                name,
                view.fields,
                remedy="name a field of data_config.input_fields",
            )
        elif view.field_type(name) == "STRING" and name in {*view.labels, label}:
            yield view.error(
                f"data_config.label_fields[{index}]",
                f"label {name!r} is a STRING field",
                expected="a field of numbers, or a session",
                remedy="give the field input_type INT32 or FLOAT",
            )
    weight = view.data.sample_weight
    if weight and weight not in view.fields:
        yield view.unknown(
            "data_config.sample_weight",
            "sample_weight field",
            weight,
            view.fields,
            remedy="name a field of data_config.input_fields",
        )
    elif weight and view.field_type(weight) not in NUMBERS:
        yield view.error(
            "data_config.sample_weight",
            f"sample_weight {weight!r} is a {view.field_type(weight)} field",
            expected="a field of numbers",
        )
    for index, dim in enumerate(view.data.label_dim):
        if dim > 1:
            yield view.error(
                f"data_config.label_dim[{index}]",
                f"a label of {dim} numbers is not offered",
                expected="1",
                remedy="write one column for each label",
            )
    yield from _model_label(view)


def _model_label(view: View) -> Problems:
    label = view.model_config.label_name
    known = list(view.data.label_fields)
    if label and label not in known:
        yield view.unknown(
            "model_config.label_name",
            "label in label_name:",
            label,
            known,
            remedy="use one of them",
        )
    if view.config.HasField("data_config") and not known and not view.listwise:
        yield view.error(
            "data_config",
            f"loss {view.losses[0].name} needs a label, and label_fields is empty",
            expected="label_fields: an input field",
            remedy="set label_fields",
        )


def reading(view: View) -> Problems:
    """Batches hold rows, and rows are well shuffled."""
    for field in ("batch_size", "eval_batch_size"):
        if getattr(view.data, field) == 0:
            yield view.error(f"data_config.{field}", f"{field} is 0", expected="a positive number")
    if view.data.cache.max_megabytes == 0:
        yield view.error(
            "data_config.cache.max_megabytes",
            "max_megabytes is 0: nothing fits",
            expected="a positive number",
            remedy="set data_config.cache.mode: OFF to keep no rows",
        )
    size = view.data.shuffle_buffer_size
    asked = view.data.shuffle and view.data.HasField("shuffle_buffer_size")
    if asked and size < LEAST_SHUFFLE_BUFFER:
        yield view.warning(
            "data_config.shuffle_buffer_size",
            f"a shuffle buffer of {size} rows hardly shuffles: rows stay near their place in the "
            "file",
            expected=f"at least {LEAST_SHUFFLE_BUFFER} rows",
            found=str(size),
            remedy="leave shuffle_buffer_size out, which shuffles files and a large buffer",
        )


RULES = (input_type, encoding, paths, input_fields, ranges, default_values, labels, reading)
