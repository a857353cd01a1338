"""Reads `PATH=log(1e-4, 1e-2)`, from flags and from a file, into the parameters of a search.

log(low, high)             real numbers on a logarithmic scale
uniform(low, high)         real numbers
int(low, high)             whole numbers; further: step=16, or log
choice(a, b, …)            values as after `--PATH=`: words, numbers, "text", JSON lists and
                           objects; null clears the field
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from easyrec_lite.config.load import read_text
from easyrec_lite.config.values import FLOAT
from easyrec_lite.core.errors import ConfigError, Place, Problem, nearest
from easyrec_lite.core.json_input import parse_json
from easyrec_lite.runs.command_line import path_and_value
from easyrec_lite.tuning.space import Choice, Parameter, Real, Whole

FLAG = Place("--search")
FORMS = {
    "log": "log(1e-4, 1e-2)",
    "uniform": "uniform(0.05, 0.5)",
    "int": "int(16, 128, step=16) or int(16, 1024, log)",
    "choice": "choice(DOT, COSINE), choice([64, 32], [128])",
}
CALL = re.compile(r"([^\W\d]\w*)\s*\((.*)\)", re.DOTALL)
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'[^']*'", re.DOTALL)
WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
OPENING, CLOSING = "([{", ")]}"


def parse_flags(texts: Iterable[str]) -> list[Parameter]:
    """Returns the parameters of `--search` flags.

    Raises:
      ConfigError: all that is wrong with them.

    Example:
      >>> [str(each) for each in parse_flags(["a.b=log(1e-4,1e-2)", "c=choice(1, [2, 3])"])]
      ['log(0.0001, 0.01)', 'choice(1, [2, 3])']
    """
    return _all((text, FLAG) for text in texts)


def parse_file(path: str) -> list[Parameter]:
    """Returns the parameters of a file, one a line; `#` starts a comment.

    Raises:
      ConfigError: the file cannot be read, or all that is wrong with its lines.
    """
    lines = enumerate(read_text(Path(path)).splitlines(), 1)
    texts = ((_without_comment(line), number) for number, line in lines)
    return _all(
        (text, Place(path, number, len(text) - len(text.lstrip()) + 1))
        for text, number in texts
        if text.strip()
    )


def distinct(parameters: Iterable[Parameter]) -> list[Parameter]:
    """Returns the parameters.

    Raises:
      ConfigError: there is none, or several have the same path.
    """
    known: dict[str, Parameter] = {}
    problems = []
    for each in parameters:
        first = known.setdefault(each.path, each)
        if first is not each:
            problems.append(
                Problem(
                    "the path is searched twice",
                    each.place,
                    each.path,
                    found=f"{first} at {first.place}, and {each}",
                    remedy="leave one of them out",
                )
            )
    if not known:
        remedy = f"give --search 'PATH={FORMS['log']}', or --search_file"
        problems.append(Problem("nothing to search", Place("command line"), remedy=remedy))
    if problems:
        raise ConfigError(problems)
    return list(known.values())


def _all(texts: Iterable[tuple[str, Place]]) -> list[Parameter]:
    found: list[Parameter] = []
    problems: list[Problem] = []
    for text, place in texts:
        try:
            found.append(parse(text, place))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return found


def parse(text: str, place: Place = FLAG) -> Parameter:
    """Returns the parameter that `PATH=FORM(…)` describes.

    Raises:
      ConfigError: it has another form.
    """
    path, values = path_and_value(text)
    path = path.strip()
    call = CALL.fullmatch((values or "").strip())
    if not path or call is None:
        raise _wrong(path, place, "not a search", f"PATH={FORMS['log']}", text.strip())
    name, inside = call.groups()
    if name not in READERS:
        expected = "one of " + ", ".join(FORMS.values())
        raise _wrong(
            path, place, f"unknown form {name!r}", expected, call.group(), nearest(name, FORMS)
        )
    try:
        return READERS[name](path, place, split(inside))
    except _Wrong as wrong:
        message, expected = wrong.args
        raise _wrong(path, place, message, expected or FORMS[name], call.group()) from None


class _Wrong(Exception):
    """What is wrong with the arguments of a form, and what is expected."""

    def __init__(self, message: str, expected: str = ""):
        super().__init__(message, expected)


def split(text: str) -> list[str]:
    """Returns the parts of a text between its commas outside brackets and quotes, stripped.

    Raises:
      _Wrong: a bracket or quote is not closed, or a part is empty.
    """
    parts: list[str] = []
    open_: list[str] = []
    start = at = 0
    while at < len(text):
        letter = text[at]
        if letter in "\"'" and (open_ or not text[start:at].strip()):
            quoted = QUOTED.match(text, at)
            if quoted is None:
                raise _Wrong(f"the quote {text[at:]} is not closed")
            at = quoted.end()
            continue
        if letter in OPENING:
            open_.append(letter)
        elif letter in CLOSING:
            if not open_ or OPENING.index(open_.pop()) != CLOSING.index(letter):
                raise _Wrong(f"`{letter}` closes nothing, in {text}")
        elif letter == "," and not open_:
            parts.append(text[start:at].strip())
            start = at + 1
        at += 1
    if open_:
        raise _Wrong(f"`{open_[-1]}` is not closed, in {text}")
    parts.append(text[start:].strip())
    if parts == [""]:
        return []
    if "" in parts:
        raise _Wrong(f'value {parts.index("") + 1} is empty; write "" for an empty text')
    return parts


def _real(path: str, place: Place, parts: list[str], log: bool = False) -> Parameter:
    low, high = _ends(parts, _number)
    if log and low <= 0:
        raise _Wrong(f"{low:g} has no logarithm", "two numbers above 0")
    return Real(path, place, low, high, log)


def _log(path: str, place: Place, parts: list[str]) -> Parameter:
    return _real(path, place, parts, log=True)


def _whole(path: str, place: Place, parts: list[str]) -> Parameter:
    low, high = _ends(parts[:2], _whole_number)
    step, log = _options(parts[2:])
    if log and step > 1:
        raise _Wrong("step and log exclude each other")
    if log and low < 1:
        raise _Wrong(f"{low} has no logarithm", "two whole numbers above 0")
    if (high - low) % step:
        last = high - (high - low) % step
        raise _Wrong(f"no steps of {step} lead from {low} to {high}", f"int({low}, {last}, …)")
    return Whole(path, place, low, high, step, log)


def _options(parts: list[str]) -> tuple[int, bool]:
    step, log = 1, False
    for part in parts:
        name, _, value = (word.strip() for word in part.partition("="))
        if part == "log":
            log = True
        elif name == "step" and WHOLE.fullmatch(value) and int(value) > 0:
            step = int(value)
        else:
            raise _Wrong(f"unknown option {part!r}", "step=16, or log")
    return step, log


def _ends(parts: list[str], read: Callable[[str], float]) -> tuple:
    if len(parts) != 2:
        raise _Wrong(f"{len(parts)} values where the two ends of a range are needed")
    low, high = (read(part) for part in parts)
    if low >= high:
        raise _Wrong(f"{parts[0]} is not below {parts[1]}", "the lower end first")
    return low, high


def _number(text: str) -> float:
    match = FLOAT.fullmatch(text.removeprefix("+"))
    number = float(match.group(1)) if match and match.group(1) else math.nan
    if not math.isfinite(number):
        raise _Wrong(f"{text!r} is no finite number")
    return number


def _whole_number(text: str) -> int:
    if not WHOLE.fullmatch(text):
        raise _Wrong(f"{text!r} is no whole number")
    return int(text)


def _choice(path: str, place: Place, parts: list[str]) -> Parameter:
    values = {part: _value(part) for part in parts}
    different = {json.dumps(value, sort_keys=True) for value in values.values()}
    if len(different) < len(parts):
        raise _Wrong("a value stands there twice")
    if len(parts) < 2:
        raise _Wrong("fewer than two values", f"{FORMS['choice']}; a single value is an edit")
    return Choice(path, place, values)


def _value(text: str) -> object:
    """Returns the value of an edit: from JSON, from quotes, or the text itself."""
    if text == "null":
        return None
    if text[0] in "[{":
        try:
            return parse_json(text, "", ConfigError)
        except ConfigError as error:
            message = f"{error.problems[0].message}, in {text}"
            raise _Wrong(message, 'lists and objects as JSON: [64, 32], {"a": "text"}') from None
    if text[0] == '"':
        try:
            return json.loads(text)
        except ValueError:
            raise _Wrong(f"{text} is no quoted text") from None
    if text[0] == "'":
        if not QUOTED.fullmatch(text):
            raise _Wrong(f"{text} is no quoted text")
        return text[1:-1]
    return text


READERS: dict[str, Callable[[str, Place, list[str]], Parameter]] = {
    "log": _log,
    "uniform": _real,
    "int": _whole,
    "choice": _choice,
}


def _without_comment(line: str) -> str:
    """Returns a line up to the first `#` outside quotes and brackets of a path."""
    at, depth = 0, 0
    while at < len(line):
        quoted = QUOTED.match(line, at) if line[at] in "\"'" else None
        if quoted:
            at = quoted.end()
            continue
        depth += (line[at] == "[") - (line[at] == "]")
        if line[at] == "#" and depth <= 0:
            return line[:at]
        at += 1
    return line


def _wrong(
    path: str, place: Place, message: str, expected: str, found: str, near: str = ""
) -> ConfigError:
    return ConfigError(Problem(message, place, path, expected=expected, found=found, nearest=near))
