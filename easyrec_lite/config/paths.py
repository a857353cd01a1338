"""The paths of `--edit_config_json`, such as `feature_config.features[input_names[0]=user_id].…`.

A path is field names joined by dots. After a repeated field, brackets select elements: `[3]` or
`[-1]` (one), `[1:3]` or `[:]` (a slice, as in Python), `[path op value]` with op one of
`= != < <= > >=` (each element for which the comparison holds).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from easyrec_lite.core.errors import ConfigError, Place, Problem

EDIT = Place("--edit_config_json")
NAME = re.compile(r"[^\W\d]\w*")
BRACKETED = re.compile(r"""(?:[^][\"']|"[^"]*"|'[^']*')*""")
INDEX = re.compile(r"\s*(-?\d{1,18})\s*")
SLICE = re.compile(r"\s*(-?\d{1,18})?\s*:\s*(-?\d{1,18})?\s*(?::\s*(-?\d{1,18})?\s*)?")
OPERATOR = re.compile(r"!=|<=|>=|==|=|<|>")


@dataclass(frozen=True)
class Predicate:
    """A comparison that selects elements: the value at `path`, `operator`, `operand`."""

    path: tuple[Step, ...]
    operator: str
    operand: str


Selector = int | slice | Predicate


@dataclass(frozen=True)
class Step:
    """One field of a path, and what selects its elements."""

    name: str
    selectors: tuple[Selector, ...] = ()


def refuse(path: str, message: str, **details: str) -> ConfigError:
    """Returns the error that an edit cannot be applied."""
    return ConfigError(Problem(message, EDIT, path, **details))


def parse_path(text: str) -> tuple[Step, ...]:
    """Returns the steps of the path `text`.

    Raises:
      ConfigError: it does not follow the grammar; names the first character that does not.

    Example:
      >>> parse_path("input_fields[-1].input_name")
      (Step(name='input_fields', selectors=(-1,)), Step(name='input_name', selectors=()))
    """
    steps, at = [], 0
    while True:
        name = NAME.match(text, at)
        if name is None:
            raise _invalid(text, at, "a field name")
        step, at = _step(text, name)
        steps.append(step)
        if at == len(text):
            return tuple(steps)
        if text[at] != ".":
            raise _invalid(text, at, "`.`, `[` or the end")
        at += 1


def _step(text: str, name: re.Match[str]) -> tuple[Step, int]:
    selectors: list[Selector] = []
    at = name.end()
    while text[at : at + 1] == "[":
        end = _closing(text, at)
        selectors.append(_selector(text, text[at + 1 : end], at + 1))
        at = end + 1
    return Step(name.group(), tuple(selectors)), at


def _closing(text: str, opening: int) -> int:
    """Returns the offset of the bracket that closes the one at `opening`; skips quoted ones."""
    depth, at = 1, opening + 1
    while True:
        skipped = BRACKETED.match(text, at)
        at = skipped.end() if skipped else at
        if at == len(text) or text[at] in "\"'":
            raise _invalid(text, opening, "`[` to be closed by `]`")
        depth += 1 if text[at] == "[" else -1
        if depth == 0:
            return at
        at += 1


def _selector(text: str, inside: str, offset: int) -> Selector:
    if index := INDEX.fullmatch(inside):
        return int(index.group(1))
    if bounds := SLICE.fullmatch(inside):
        start, stop, step = (int(part) if part else None for part in bounds.groups())
        if step == 0:
            raise _invalid(text, offset, "a step other than 0")
        return slice(start, stop, step)
    for match in OPERATOR.finditer(inside):
        left = inside[: match.start()]
        if left.count("[") == left.count("]"):
            operand = inside[match.end() :].strip()
            if len(operand) > 1 and operand[0] == operand[-1] and operand[0] in "\"'":
                operand = operand[1:-1]
            return Predicate(parse_path(left.strip()), match.group(), operand)
    raise _invalid(text, offset, "an index [3], a slice [1:3] or a comparison [name=value]")


def _invalid(text: str, at: int, expected: str) -> ConfigError:
    found = f"`{text[at:]}`" if at < len(text) else "the end"
    return refuse(text, f"invalid path, at character {at + 1}", expected=expected, found=found)
