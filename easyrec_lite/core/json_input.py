"""JSON that a user typed or sent: whatever is wrong with it becomes a `Problem`."""

from __future__ import annotations

import json
from typing import Any

from easyrec_lite.core.errors import Place, Problem, ProblemError

SHOWN = 200


def parse_json(text: str, where: str, error: type[ProblemError], expected: str = "") -> Any:
    """Returns what JSON `text` holds.

    Args:
      text: the JSON.
      where: the flag or file that it comes from, for messages.
      error: what to raise.
      expected: what it should be, for messages.

    Raises:
      ProblemError: as `error` says; the text is no JSON, nested too deeply, or holds a number of
        thousands of digits.
    """
    found = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    place = Place(where)
    cause: Exception
    try:
        return json.loads(text)
    except json.JSONDecodeError as broken:
        place = Place(where, broken.lineno, broken.colno)
        message, cause = f"broken JSON: {broken.msg}", broken
    except RecursionError as deep:
        message, cause = "broken JSON: too many brackets within each other", deep
    except ValueError as number:
        message, cause = "broken JSON: a number has too many digits", number
    raise error(Problem(message, place, expected=expected, found=found)) from cause
