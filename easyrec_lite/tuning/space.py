"""The parameters of a search: config paths, and the values that each may take. No Optuna."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from easyrec_lite.core.errors import Place

# Where a value between the ends of a range is taken, to check that it fits the field.
INSIDE = 0.382
# Whole ranges with so few numbers are checked number by number.
FEW = 8


class Suggester(Protocol):
    """The part of an Optuna trial that chooses values."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        """Returns a real number from `low` to `high`."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """Returns a whole number from `low` to `high`."""

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> object:
        """Returns one of `choices`."""


@dataclass(frozen=True)
class Parameter:
    """A config path with the values that it may take.

    Attributes:
      path: the config path, as of an edit.
      place: where the parameter is written, for messages.
    """

    path: str
    place: Place = field(compare=False)

    def __str__(self) -> str:
        """Returns the values as `parse` reads them."""
        raise NotImplementedError

    def extremes(self) -> list[object]:
        """Returns the values to check: the ends of a range, all values if they are few."""
        raise NotImplementedError

    def ask(self, trial: Suggester) -> object:
        """Returns the value for a trial, as Optuna stores it."""
        raise NotImplementedError

    def edit(self, stored: object) -> object:
        """Returns a stored value as the value of an edit."""
        return stored

    def has(self, number: float) -> bool:
        """Returns whether a number is in the range."""
        return False


@dataclass(frozen=True)
class Real(Parameter):
    """Real numbers from `low` to `high`, with equal chances on a linear or logarithmic scale."""

    low: float
    high: float
    log: bool = False

    def __str__(self) -> str:
        return f"{'log' if self.log else 'uniform'}({self.low!r}, {self.high!r})"

    def extremes(self) -> list[object]:
        """Returns both ends, and a number between them, which is not whole."""
        if self.log:
            between = math.exp((1 - INSIDE) * math.log(self.low) + INSIDE * math.log(self.high))
        else:
            between = (1 - INSIDE) * self.low + INSIDE * self.high
        return [self.low, self.high, between]

    def has(self, number: float) -> bool:
        """Returns whether a number is in the range."""
        return self.low <= number <= self.high

    def ask(self, trial: Suggester) -> object:
        """Returns a number of the range."""
        return trial.suggest_float(self.path, self.low, self.high, log=self.log)


@dataclass(frozen=True)
class Whole(Parameter):
    """Whole numbers `low`, `low + step`, …, `high`."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    def __str__(self) -> str:
        options = [f"step={self.step}"] * (self.step > 1) + ["log"] * self.log
        return f"int({', '.join([str(self.low), str(self.high), *options])})"

    def extremes(self) -> list[object]:
        """Returns all numbers of a short range, else both ends."""
        numbers = range(self.low, self.high + 1, self.step)
        return list(numbers) if len(numbers) <= FEW else [self.low, self.high]

    def has(self, number: float) -> bool:
        """Returns whether a number is one of the range."""
        return self.low <= number <= self.high and (number - self.low) % self.step == 0

    def ask(self, trial: Suggester) -> object:
        """Returns a number of the range."""
        return trial.suggest_int(self.path, self.low, self.high, step=self.step, log=self.log)


@dataclass(frozen=True)
class Choice(Parameter):
    """One of several values of any type.

    Attributes:
      values: the value as it is written → the value of the edit.
    """

    values: Mapping[str, object]

    def __str__(self) -> str:
        return f"choice({', '.join(self.values)})"

    def extremes(self) -> list[object]:
        """Returns all values."""
        return list(self.values.values())

    def ask(self, trial: Suggester) -> object:
        """Returns a value as it is written."""
        return trial.suggest_categorical(self.path, list(self.values))

    def edit(self, stored: object) -> object:
        """Returns the value that a text stands for."""
        return self.values[str(stored)]


Space = Sequence[Parameter]


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Returns for each path the shortest end that no other path has.

    Example:
      >>> short_names(["a.b.rate", "a.c.rate", "x.size"])
      {'a.b.rate': 'b.rate', 'a.c.rate': 'c.rate', 'x.size': 'size'}
    """
    ends = {path: _ends(path) for path in paths}
    short = {}
    for path in paths:
        others = {end for other in paths if other != path for end in ends[other]}
        short[path] = next((end for end in ends[path] if end not in others), path)
    return short


def _ends(path: str) -> list[str]:
    """Returns the ends of a path, shortest first; a dot in brackets does not divide it."""
    starts, depth = [0], 0
    for at, letter in enumerate(path):
        depth += (letter == "[") - (letter == "]")
        if letter == "." and not depth:
            starts.append(at + 1)
    return [path[start:] for start in reversed(starts)]
