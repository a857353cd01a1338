"""Topological order of names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence


def order(reads: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """Returns the names so that each follows those that it reads; and a cycle, if there is one.

    Names keep their given order where that is possible.

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
    """Returns a cycle among the names that are not done; it ends with its first name."""
    way = [next(name for name in reads if name not in done)]
    while True:
        following = next(name for name in reads[way[-1]] if name not in done)
        if following in way:
            return [*way[way.index(following) :], following]
        way.append(following)
