"""The separator between the cells of a line, as `data_config.separator` writes it."""

from __future__ import annotations


def unescaped(text: str) -> bytes:
    """Returns the bytes of `data_config.separator`; escapes that are escaped twice are resolved.

    Example:
      >>> unescaped(","), unescaped("\\\\t"), unescaped("\\\\001")
      (b',', b'\\t', b'\\x01')
    """
    if "\\" not in text or text == "\\":
        return text.encode()
    try:
        return text.encode("latin-1").decode("unicode_escape").encode("latin-1")
    except UnicodeError:
        return text.encode()


def is_separator(separator: bytes) -> bool:
    """Returns whether bytes can separate cells: one byte, neither a quote nor a line end."""
    return len(separator) == 1 and separator not in b'"\r\n'
