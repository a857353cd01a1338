"""What a study prints: a line a finished trial, the best settings as a command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

from easyrec_lite.core.durations import duration
from easyrec_lite.core.errors import printable
from easyrec_lite.runs.command_line import EDIT_FLAG
from easyrec_lite.runs.config_flags import FIELDS
from easyrec_lite.tuning.space import Space, short_names
from easyrec_lite.tuning.study import DONE, FAILED, TrialRow

WIDEST = 24
VALUE_WIDTH = len("0.012345 (best)")
OWN_SETTINGS = "the config's own settings"


class TrialTable:
    """Lines with a column for each parameter.

    Args:
      space: the parameters.
      metric: the name of the metric.
    """

    def __init__(self, space: Space, metric: str):
        self.names = short_names([each.path for each in space])
        self._value = metric.rpartition("/")[2]
        self._value_width = max(len(self._value), VALUE_WIDTH)
        self._widths = {path: max(len(name), 8) for path, name in self.names.items()}

    def head(self) -> str:
        """Returns the names of the columns; of the metric its last part."""
        columns = [f"{name:<{self._widths[path]}}" for path, name in self.names.items()]
        value = f"{self._value:<{self._value_width}}"
        return "  ".join(["trial", "state ", value, "step   ", "time  ", *columns]).rstrip()

    def line(self, row: TrialRow, is_best: bool) -> str:
        """Returns a trial as a line; a failed one with its cause at the end."""
        value = "" if row.value is None else f"{row.value:.5g}" + " (best)" * is_best
        cells = [f"{row.number:>5}", f"{row.state:<6}", f"{value:<{self._value_width}}"]
        cells += [f"{'' if row.step is None else row.step:<7}", f"{duration(row.seconds):<6}"]
        cells += [
            f"{shown(row.settings.get(path)):<{width}}" for path, width in self._widths.items()
        ]
        cells += [OWN_SETTINGS] * row.own + [row.cause] * (row.state == FAILED)
        return "  ".join(cells).rstrip()


def shown(value: object) -> str:
    """Returns a setting in few letters."""
    if value is None:
        return "-"
    text = f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())
    return printable(text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…")


def train_command(config: str, edits: Mapping[str, object], plugins: Sequence[str] = ()) -> str:
    """Returns the command that trains a config with edits, a flag a line.

    Edits that have no flag go, with all others, into `--edit_config_json`.
    """
    words = [f"python -m easyrec_lite.train --config {shlex.quote(config)}"]
    words += [f"--import {shlex.quote(name)}" for name in plugins]
    flags = [_flag(path, value) for path, value in edits.items()]
    if any(flag is None for flag in flags):
        text = json.dumps(dict(edits), ensure_ascii=False)
        words.append(f"--edit_config_json {shlex.quote(text)}")
    else:
        words += [shlex.quote(flag) for flag in flags if flag]
    return " \\\n  ".join(words)


def _flag(path: str, value: object) -> str | None:
    """Returns the flag of an edit; None if it has none that gives this value."""
    named = next((flag for flag, field in FIELDS.items() if field == path), "")
    flag = f"--{named or path}"
    if value is None or not (named or EDIT_FLAG.fullmatch(flag)):
        return None
    if isinstance(value, str):
        return None if value[:1] in ("[", "{") else f"{flag}={value}"
    return f"{flag}={value if isinstance(value, float) else json.dumps(value, ensure_ascii=False)}"


def counts(rows: Sequence[TrialRow]) -> str:
    """Returns how many trials are in each state."""
    states = [row.state for row in rows]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys([DONE, *states]))
