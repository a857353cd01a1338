"""Sorting names by what they read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence


def order(reads: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """Returns the names so that each comes after what it reads, and a cycle, if any.

    Names stay in the order given as far as that goes.

    Args:
      reads: name → the names that it reads, all of them keys.
    """
    done: dict[str, None] = {}
    waiting = list(reads)
    while waiting:
        ready = next((name for name in waiting if done.keys() >= set(reads[name])), None)
        if ready is None:
            return [*done, *waiting], _cycle(reads, done)
        done[ready] = None
        waiting.remove(ready)
    return list(done), []


def _cycle(reads: Mapping[str, Sequence[str]], done: Collection[str]) -> list[str]:
    """Returns a circle among the names not done, its first name again at its end."""
    way = [next(name for name in reads if name not in done)]
    while True:
        following = next(name for name in reads[way[-1]] if name not in done)
        if following in way:
            return [*way[way.index(following) :], following]
        way.append(following)
