"""Our numbers beside EasyRec's, and how far apart they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tests.golden.stored import Arrays

if TYPE_CHECKING:
    from tests.golden.case import Case


class Pair(NamedTuple):
    """A number or tensor of ours, and EasyRec's.

    Attributes:
      name: where EasyRec's is stored, or what it is.
      ours: ours.
      golden: EasyRec's.
      scale: what differences are relative to, if the largest of EasyRec's numbers is smaller.
    """

    name: str
    ours: Any
    golden: np.ndarray
    scale: float = 0.0

    def difference(self) -> float:
        """Returns the largest difference, relative to the largest of EasyRec's numbers."""
        ours, golden = (np.asarray(each, np.float64) for each in (self.ours, self.golden))
        assert ours.shape == golden.shape, f"{self.name}: {ours.shape}, EasyRec {golden.shape}"
        scale = max(float(np.max(np.abs(golden), initial=0.0)), self.scale) or 1.0
        return float(np.max(np.abs(ours - golden), initial=0.0)) / scale


# Yields a pair for each number or tensor of one kind that a case holds; what EasyRec has and we
# lack is a `KeyError`.
Check = Callable[["Case"], Iterable[Pair]]


def section(stored: Arrays, prefix: str) -> Arrays:
    """Returns what is stored under `prefix`, by the rest of its name."""
    return {key.removeprefix(prefix): stored[key] for key in stored if key.startswith(prefix)}
