"""What becomes of a field of the schema: implemented, accepted without effect, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Kind = Literal["implemented", "warned", "refused"]
Reason = str | tuple[str, str]


class Status(NamedTuple):
    """What becomes of a field.

    Attributes:
      kind: `implemented`; `warned`: accepted without effect; `refused`: an error.
      note: why, when it is not implemented.
      remedy: what to do instead.
    """

    kind: Kind
    note: str = ""
    remedy: str = ""


def fields(
    implemented: str = "",
    *,
    warned: Mapping[str, Reason] | None = None,
    refused: Mapping[str, Reason] | None = None,
) -> dict[str, Status]:
    """Returns field → status of one message.

    Args:
      implemented: names of fields, separated by spaces.
      warned: names of fields (one or more a key) → why they have no effect, with a remedy or not.
        Only for fields whose absence cannot change what the results mean.
      refused: the same for fields whose absence would change it.
    """
    table = {name: Status("implemented") for name in implemented.split()}
    for names, reason in (warned or {}).items():
        table |= dict.fromkeys(names.split(), _status("warned", reason))
    for names, reason in (refused or {}).items():
        table |= dict.fromkeys(names.split(), _status("refused", reason))
    return table


def _status(kind: Kind, reason: Reason) -> Status:
    return Status(kind, reason) if isinstance(reason, str) else Status(kind, *reason)
