"""Looks up the documentation of a config path, a message or an enum in the schema."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from easyrec_lite.core.errors import ConfigError, Place, Problem, nearest
from easyrec_lite.protos.docs import EnumDoc, FieldDoc, MessageDoc, enums, messages

ROOT = "EasyRecConfig"
SCHEMA = Place("schema")
INNERMOST_BRACKETS = re.compile(r"\[[^\[\]]*\]")


def documentation(path: str) -> FieldDoc | MessageDoc | EnumDoc:
    """Returns the schema's documentation of `path`.

    Args:
      path: a config path such as `train_config.optimizer_config[0].adam_optimizer.beta1` (brackets
        are ignored), `Message.field` (or a longer path that starts at a message), `Message` or
        `Enum`; '' is the root message.

    Returns:
      The documentation. That of a field has the config path that was given, else the shortest one.

    Raises:
      ConfigError: the schema has no such name; the error names the nearest one.

    Example:
      >>> documentation("train_config.num_steps").full_name
      'TrainConfig.num_steps'
    """
    parts = [part.strip() for part in _without_brackets(path).split(".")] if path.strip() else []
    start, rest = _start(parts)
    doc: FieldDoc | MessageDoc | EnumDoc = start
    config_path = _config_paths().get(start.name)
    for part in rest:
        doc = _step(doc, part, path)
        config_path = None if config_path is None else [*config_path, part]
    if isinstance(doc, FieldDoc):
        return replace(doc, path=".".join(config_path or []))
    return doc


@cache
def _config_paths() -> dict[str, list[str]]:
    """Returns message name → the shortest config path to it."""
    paths: dict[str, list[str]] = {ROOT: []}
    waiting = [ROOT]
    for name in waiting:
        for field in messages()[name].fields.values():
            if field.type in messages() and field.type not in paths:
                paths[field.type] = [*paths[name], field.name]
                waiting.append(field.type)
    return paths


def _without_brackets(path: str) -> str:
    shorter = INNERMOST_BRACKETS.sub("", path)
    return shorter if shorter == path else _without_brackets(shorter)


def _start(parts: list[str]) -> tuple[MessageDoc | EnumDoc, list[str]]:
    """Returns the message or enum that `parts` start with, else the root; and the other parts."""
    known: dict[str, MessageDoc | EnumDoc] = {**messages(), **enums()}
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in known:
            return known[name], parts[length:]
    return messages()[ROOT], parts


def _step(doc: FieldDoc | MessageDoc | EnumDoc, part: str, path: str) -> FieldDoc:
    holder = messages().get(doc.type) if isinstance(doc, FieldDoc) else doc
    if not isinstance(holder, MessageDoc):
        raise ConfigError(_no_fields(doc, part, path))
    if part not in holder.fields:
        raise ConfigError(_unknown(holder, part, path))
    return holder.fields[part]


def _no_fields(doc: FieldDoc | MessageDoc | EnumDoc, part: str, path: str) -> Problem:
    kind = f"of type {doc.type}" if isinstance(doc, FieldDoc) else "an enum"
    return Problem(
        message=f"{doc.name} has no fields: it is {kind}",
        place=SCHEMA,
        path=path,
        expected=f"a path that ends at {doc.name}",
        found=repr(part),
    )


def _unknown(holder: MessageDoc, part: str, path: str) -> Problem:
    command = "python -m easyrec_lite.explain"
    if holder.name != ROOT:
        return Problem(
            message=f"{holder.name} has no field {part!r}",
            place=SCHEMA,
            path=path,
            nearest=nearest(part, holder.fields),
            remedy=f"{command} {holder.name} lists its fields",
        )
    return Problem(
        message=f"{part!r} is neither a top-level field nor a message or enum",
        place=SCHEMA,
        path=path,
        nearest=nearest(part, [*holder.fields, *messages(), *enums()]),
        remedy=f"{command} lists the top-level fields",
    )
