"""What is told to a user whose config or data is wrong.

A `Problem` says where, what was expected, what was found, the nearest valid name and what to do.
Problems are collected, and raised together as one `ConfigError` or `DataError`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# What of one text, and how many problems, is printed.
LONGEST, MOST = 4000, 100
LONGEST_NAME = 200
# Control characters, and those that change the direction of a line.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, order=True)
class Place:
    """A position in a text file; `line` and `column` count from 1, 0 means unknown."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = [self.file.replace("\n", "\\n") or "<config>"]
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
        lines = [where + (f"{_cut(self.path)}: " if self.path else "") + _cut(self.message)]
        if self.expected:
            lines.append(f"    expected: {_cut(self.expected)}")
        if self.found:
            lines.append(f"    found:    {_cut(self.found)}")
        if self.nearest:
            lines.append(f"    nearest:  {self.nearest}")
        if self.remedy:
            lines.append(f"    remedy:   {_cut(self.remedy)}")
        return printable("\n".join(lines))


def _cut(text: str) -> str:
    """Returns `text` without what is too long to read, as a cell of 10 MB is."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"


def printable(text: str) -> str:
    """Returns `text` with control characters written as escapes, but for line ends and tabs.

    Paths, names and data may hold characters that move a terminal's cursor or colour it.

    Example:
      >>> printable("a\x1b[2Jb")
      'a\\x1b[2Jb'
    """
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class ProblemError(ValueError):
    """A `ValueError` made of problems, printed in file order.

    The command line prints it without a traceback and exits with `exit_code`.
    """

    kind = "problem"
    exit_code = 2

    def __init__(self, problems: Problem | Iterable[Problem]):
        given = [problems] if isinstance(problems, Problem) else list(problems)
        self.problems: Sequence[Problem] = sorted(given, key=lambda problem: problem.place)
        super().__init__(self.report())

    def report(self) -> str:
        """Returns the problems as text, a count at the end when there are several."""
        text = "\n".join(str(problem) for problem in self.problems[:MOST])
        count = len(self.problems)
        if count == 1:
            return text
        first = f", of which the first {MOST} are told" if count > MOST else ""
        return f"{text}\n{count} {self.kind} problems{first}"


class ConfigError(ProblemError):
    """The config, or a command-line flag, asks for something that cannot be."""

    kind = "config"


class DataError(ProblemError):
    """A data file cannot be read, or holds a value that its field cannot take."""

    kind = "data"


class RunError(ProblemError):
    """A run cannot go on: a value that is not finite, a full disk, a broken checkpoint."""

    kind = "run"


class NotExported(RunError):
    """A run has ended, but what it trained must not be served, so that nothing was exported."""

    exit_code = 3


class PeerLost(RunError):
    """Another process of the run's cluster is gone; the same command, started again, goes on.

    The exit code is `EX_TEMPFAIL` of sysexits.h.
    """

    exit_code = 75


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns the entry of `known` most alike to `name`, or '' when none is."""
    if len(name) > LONGEST_NAME:
        return ""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return found[0] if found else ""


def plain_words(error: Exception) -> str:
    """Returns the first line of what an error says, without the names of TensorFlow's nodes."""
    text = (str(error).splitlines() or [type(error).__name__])[0]
    return re.sub(r"\{\{.*?\}\} ?| ?\[Op:\w+\].*", "", text)
