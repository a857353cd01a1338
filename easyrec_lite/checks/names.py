"""Names in configs: of enum values, and those that a range such as `f[1-21]` stands for."""

from __future__ import annotations

import re

from google.protobuf.message import Message

RANGE = re.compile(r"(.*)\[(\d+)-(\d+)\](.*)")
# The most names that a range may stand for.
MOST_NAMES = 10_000


def enum_name(message: Message, field: str) -> str:
    """Returns the name of the enum value that `field` of `message` holds."""
    kind = message.DESCRIPTOR.fields_by_name[field].enum_type
    assert kind is not None, f"{field} is no enum"
    return str(kind.values_by_number[getattr(message, field)].name)


def too_wide(name: str) -> bool:
    """Returns whether a name such as `f[1-99999]` stands for more than `MOST_NAMES`."""
    found = RANGE.fullmatch(name)
    if found is None:
        return False
    first, last = found.group(2, 3)
    return max(len(first), len(last)) > 18 or int(last) - int(first) >= MOST_NAMES


def expand_name(name: str) -> list[str]:
    """Returns `f1 … f21` for `f[1-21]`; `[name]` for a name without such a range, or too wide."""
    found = RANGE.fullmatch(name)
    if found is None or too_wide(name):
        return [name]
    before, first, last, after = found.groups()
    return [f"{before}{number}{after}" for number in range(int(first), int(last) + 1)]
