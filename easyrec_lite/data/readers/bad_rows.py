"""The count of rows that `bad_row_policy: SKIP` leaves out, and its cap."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

from easyrec_lite.core.errors import Problem

LOGGED = 5
log = logging.getLogger(__name__)


class TooManyBadRows(ValueError):
    """More rows than `max_bad_rows` were left out of an epoch."""


@dataclass
class BadRows:
    """Rows left out, by epoch. A row that is met again in the same epoch counts once.

    Attributes:
      most: at most so many rows of an epoch are left out; no good row resets it.
    """

    most: int
    _rows: dict[int, dict[int, str]] = field(default_factory=dict)
    _good: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return max(map(len, self._rows.values()), default=0)

    @property
    def exceeded(self) -> bool:
        """Whether the cap is passed: in one epoch, or in all while there was no good row yet."""
        total = sum(map(len, self._rows.values()))
        return len(self) > self.most or (not self._good and total > self.most)

    def good(self, count: int) -> None:
        """Notes that `count` rows were good."""
        with self._lock:
            self._good += count

    def add(self, epoch: int, row: int, problem: Problem) -> None:
        """Notes a bad row, and logs the first few.

        Raises:
          TooManyBadRows: the cap is passed.
        """
        with self._lock:
            self._rows.setdefault(epoch, {})[row] = problem.message
            count = len(self)
        if count <= LOGGED and epoch == min(self._rows):
            log.warning("a bad row is left out (bad_row_policy: SKIP): %s", problem.message)
        if self.exceeded:
            raise TooManyBadRows(f"more than {self.most} bad rows")

    def of(self, epoch: int) -> dict[int, str]:
        """Returns the rows of an epoch that were left out, and what was said of each."""
        with self._lock:
            return dict(self._rows.get(epoch, {}))

    def too_many(self) -> Problem:
        """Returns the problem that the cap is passed."""
        return Problem(
            message=f"more than {self.most} bad rows: bad_row_policy SKIP stops here",
            path="data_config.max_bad_rows",
            expected=f"at most {self.most} bad rows",
            found=f"{sum(map(len, self._rows.values()))} so far",
            remedy="mend the data, or raise data_config.max_bad_rows",
        )
