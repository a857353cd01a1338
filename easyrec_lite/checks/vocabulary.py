"""Files of tokens, whose lines are the ids."""

from __future__ import annotations

from easyrec_lite.core import filesystem as fs


def read_tokens(path: str) -> tuple[str, ...] | None:
    """Returns the tokens of a file, one a line, in order; None if it cannot be read.

    Blank lines are left out.
    """
    try:
        text = fs.read_text(path)
    except (OSError, UnicodeDecodeError):
        return None
    return tuple(line for line in text.split("\n") if line.strip())
