"""Checks a search space against a config before any trial. Imports no TensorFlow.

1. Each value is applied to the config alone, which tells wrong paths and wrong types.
2. The checks of a config run on the combinations of all ends and choices, at most `MOST`; of more,
   each parameter is varied while the others keep their first or their last value.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from easyrec_lite.checks.check import examine_and_check
from easyrec_lite.config.bind import STRUCT
from easyrec_lite.config.load import examine
from easyrec_lite.config.paths import EDIT, parse_path
from easyrec_lite.config.values import FLOATS, INTEGER_RANGES, describe, is_message
from easyrec_lite.core.errors import ConfigError, Place, Problem
from easyrec_lite.protos import message_class
from easyrec_lite.tuning.space import Choice, Parameter, Real, Space

MOST = 256
Edits = Mapping[str, object]
# What each trial has of its own, and what decides which trials can be compared.
FIXED = ("model_dir", "eval_input_path", "parquet_eval_input", "eval_config", "export_config")


def check_space(config: str, edits: Edits, space: Space) -> None:
    """Checks that every trial of a space has a good config.

    Args:
      config: the config's name or file, good by itself.
      edits: the edits of all trials.
      space: the parameters.

    Raises:
      ConfigError: all problems, each with the values that it comes from.
    """
    problems = [problem for each in space for problem in _alone(config, edits, each)]
    if not problems:
        problems = _together(config, edits, space)
    if problems:
        raise ConfigError(problems)


def _alone(config: str, edits: Edits, parameter: Parameter) -> list[Problem]:
    """Returns what is wrong with a parameter's path and with the types of its values."""
    root = parameter.path.partition(".")[0].partition("[")[0]
    if root in FIXED:
        return [_fixed(parameter, root)]
    for value in parameter.extremes():
        _, problems = examine(config, {**edits, parameter.path: value})
        errors = [each for each in problems if each.severity == "error"]
        if errors:
            return [_placed(error, parameter.place) for error in errors]
    return [] if isinstance(parameter, Choice) else _range_problems(parameter)


def _fixed(parameter: Parameter, root: str) -> Problem:
    return Problem(
        f"{root} cannot be searched: "
        + ("each trial has its own" if root == "model_dir" else "it says how trials are compared"),
        parameter.place,
        parameter.path,
        remedy="leave it out; give one value for all trials as an edit",
    )


def _range_problems(parameter: Parameter) -> list[Problem]:
    """Returns that a range of numbers is given for a field of another type."""
    field = _field(parameter.path)
    if field is None or field.cpp_type in FLOATS:
        return []
    whole = field.cpp_type in INTEGER_RANGES
    if whole and not isinstance(parameter, Real):
        return []
    form = "int(low, high)" if whole else "choice(…)"
    return [
        Problem(
            f"{parameter} does not fit `{field.name}`",
            parameter.place,
            parameter.path,
            expected=describe(field),
            found=str(parameter),
            remedy=f"use {form}",
        )
    ]


def _field(path: str) -> Any:
    """Returns the descriptor of the field at a valid path; None below a `Struct`."""
    descriptor, field = message_class("EasyRecConfig").DESCRIPTOR, None
    for step in parse_path(path):
        if descriptor is None or descriptor.full_name == STRUCT:
            return None
        field = descriptor.fields_by_name[step.name]
        descriptor = field.message_type if is_message(field) else None
    return field


def _together(config: str, edits: Edits, space: Space) -> list[Problem]:
    """Returns the errors of the checked combinations, each once."""
    combinations = list(_combinations(space))
    found: dict[tuple[str, str], Problem] = {}
    where: dict[tuple[str, str], list[int]] = {}
    for at, values in enumerate(combinations):
        chosen = {each.path: value for each, value in zip(space, values, strict=True)}
        for problem in examine_and_check(config, {**edits, **chosen})[1]:
            if problem.severity == "error":
                key = (problem.message, problem.path)
                found.setdefault(key, problem)
                where.setdefault(key, []).append(at)
    return [
        _explained(problem, space, combinations, [combinations[at] for at in where[key]])
        for key, problem in found.items()
    ]


def _combinations(space: Space) -> Iterator[tuple[object, ...]]:
    ends = [each.extremes() for each in space]
    count = 1
    for values in ends:
        count *= len(values)
    if count <= MOST:
        yield from itertools.product(*ends)
        return
    for others in (0, -1):
        base = [values[others] for values in ends]
        yield tuple(base)
        for at, values in enumerate(ends):
            yield from ((*base[:at], value, *base[at + 1 :]) for value in values)


def _explained(
    problem: Problem,
    space: Space,
    combinations: list[tuple[object, ...]],
    failing: list[tuple[object, ...]],
) -> Problem:
    """Returns an error with the values that it depends on, at the place of a sole parameter."""
    causes = []
    for at, each in enumerate(space):
        values = {json.dumps(combination[at]) for combination in combinations}
        bad = {json.dumps(combination[at]): combination[at] for combination in failing}
        if set(bad) != values:
            shown = " or ".join(_shown(value) for value in list(bad.values())[:5])
            causes.append((each, f"{each.path}={shown}"))
    place = causes[0][0].place if len(causes) == 1 else Place("--search")
    moved = _placed(problem, place)
    if not causes:
        return moved
    text = " and ".join(text for _, text in causes)
    return dataclasses.replace(moved, message=f"{problem.message}, with {text}")


def _placed(problem: Problem, place: Place) -> Problem:
    """Returns a problem of an edit with the place of its parameter."""
    return dataclasses.replace(problem, place=place) if problem.place == EDIT else problem


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
