"""What is told to a user whose config or data is wrong.

A `Problem` says where, what was expected, what was found, the nearest valid name and what to do.
Problems are collected, and raised together as one `ConfigError` or `DataError`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Place:
    """A position in a text file; `line` and `column` count from 1, 0 means unknown."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = [self.file or "<config>"]
        parts += [str(number) for number in (self.line, self.column) if number]
        return ":".join(parts)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong (`error`) or doubtful (`warning`) in a config or in data.

    Attributes:
      message: what is wrong, one sentence without a final full stop.
      place: where in which file.
      path: config path such as `feature_config.features[2].embedding_dim`, or data field name.
      expected: what would have been right.
      found: what stands there.
      nearest: the nearest valid name, if a name is wrong.
      remedy: what to do about it.
      severity: `error` or `warning`.
    """

    message: str
    place: Place = Place()
    path: str = ""
    expected: str = ""
    found: str = ""
    nearest: str = ""
    remedy: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        where = f"{self.place}: {self.severity}: "
        lines = [where + (f"{self.path}: " if self.path else "") + self.message]
        if self.expected:
            lines.append(f"    expected: {self.expected}")
        if self.found:
            lines.append(f"    found:    {self.found}")
        if self.nearest:
            lines.append(f"    nearest:  {self.nearest}")
        if self.remedy:
            lines.append(f"    remedy:   {self.remedy}")
        return "\n".join(lines)


class ProblemError(ValueError):
    """A `ValueError` made of problems, printed in file order.

    The command line prints it without a traceback and exits with code 2.
    """

    kind = "problem"

    def __init__(self, problems: Problem | Iterable[Problem]):
        given = [problems] if isinstance(problems, Problem) else list(problems)
        self.problems: Sequence[Problem] = sorted(given, key=lambda problem: problem.place)
        super().__init__(self.report())

    def report(self) -> str:
        """Returns all problems as text, a count at the end when there are several."""
        text = "\n".join(str(problem) for problem in self.problems)
        count = len(self.problems)
        return text if count == 1 else f"{text}\n{count} {self.kind} problems"


class ConfigError(ProblemError):
    """The config, or a command-line flag, asks for something that cannot be."""

    kind = "config"


class DataError(ProblemError):
    """A data file cannot be read, or holds a value that its field cannot take."""

    kind = "data"


class RunError(ProblemError):
    """A run cannot go on: a value that is not finite, a full disk, a broken checkpoint."""

    kind = "run"


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns the entry of `known` most alike to `name`, or '' when none is."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return found[0] if found else ""


def plain_words(error: Exception) -> str:
    """Returns the first line of what an error says, without the names of TensorFlow's nodes."""
    text = (str(error).splitlines() or [type(error).__name__])[0]
    return re.sub(r"\{\{.*?\}\} ?| ?\[Op:\w+\].*", "", text)
