"""Durations as text."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Returns a duration in its two largest units.

    Example:
      >>> duration(7.6), duration(68), duration(7500)
      ('8s', '1m08s', '2h05m')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
