"""The rows that `bad_row_policy: SKIP` leaves out, and the limit of their number."""

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
    """The rows left out of each epoch. A row that comes again in the same epoch counts once.

    Attributes:
      most: how many rows of an epoch may be left out.
    """

    most: int
    _rows: dict[int, dict[int, str]] = field(default_factory=dict)
    _good: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return max(map(len, self._rows.values()), default=0)

    @property
    def exceeded(self) -> bool:
        """Whether more than `most` were left out: of an epoch, or before the first good row."""
        total = sum(map(len, self._rows.values()))
        return len(self) > self.most or (not self._good and total > self.most)

    def good(self, count: int) -> None:
        """Counts good rows."""
        with self._lock:
            self._good += count

    def add(self, epoch: int, row: int, problem: Problem) -> None:
        """Counts a bad row, and logs the first ones.

        Raises:
          TooManyBadRows: there are more than `most`.
        """
        with self._lock:
            self._rows.setdefault(epoch, {})[row] = problem.message
            count = len(self)
        if count <= LOGGED and epoch == min(self._rows):
            log.warning("a bad row is left out (bad_row_policy: SKIP): %s", problem.message)
        if self.exceeded:
            raise TooManyBadRows(f"more than {self.most} bad rows")

    def of(self, epoch: int) -> dict[int, str]:
        """Returns the rows of an epoch that were left out → the message about each."""
        with self._lock:
            return dict(self._rows.get(epoch, {}))

    def too_many(self) -> Problem:
        """Returns the problem that there are more than `most`."""
        return Problem(
            message=f"more than {self.most} bad rows: bad_row_policy SKIP stops here",
            path="data_config.max_bad_rows",
            expected=f"at most {self.most} bad rows",
            found=f"{sum(map(len, self._rows.values()))} so far",
            remedy="correct the data, or raise data_config.max_bad_rows",
        )
