"""Text in other encodings than UTF-8, as the UTF-8 that everything else reads. No TensorFlow."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable, Iterator
from typing import IO

from easyrec_lite.core.errors import Place, Problem

NEWLINE = "\n"
UTF16, MARKS = "utf-16", (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decoded_lines(stream: IO[bytes], encoding: str) -> Iterator[bytes]:
    """Yields the lines of a stream, with their ends, in UTF-8.

    Args:
      stream: the content of a file.
      encoding: a codec.

    Raises:
      UnicodeError: there are bytes that are no text in this encoding; or a file of UTF-16 does not
        begin with a byte-order mark.
    """
    for line in io.TextIOWrapper(stream, encoding, newline=NEWLINE):
        yield line.encode()


def undecodable(file: str, stream: IO[bytes], encoding: str) -> Problem:
    """Returns the problem that a file is no text in an encoding: its first line that is none.

    Args:
      file: its path.
      stream: its content, from the beginning.
      encoding: a codec.
    """
    # Lines cannot be told apart by bytes where a line end has several.
    by_line = NEWLINE.encode(encoding) == NEWLINE.encode()
    parts: Iterable[bytes] = stream if by_line else [content := stream.read()]
    if encoding == UTF16 and not content.startswith(MARKS):
        return _no_mark(file, content)
    for number, part in enumerate(parts, 1):
        try:
            part.decode(encoding)
        except UnicodeDecodeError as error:
            return _problem(file, number, part, error, encoding)
    return Problem(f"the file is no {encoding.upper()} text", Place(file))


def _no_mark(file: str, content: bytes) -> Problem:
    return Problem(
        "no UTF-16 text: byte 1 of the line is no byte-order mark",
        Place(file, 1),
        "data_config.encoding",
        expected=" or ".join(map(repr, MARKS)),
        found=repr(content[:2]),
        remedy="state utf-16-le, utf-16-be, or the file's encoding in data_config.encoding",
    )


def _problem(
    file: str, number: int, part: bytes, error: UnicodeDecodeError, encoding: str
) -> Problem:
    """Returns the problem of some lines, of which the first has this number."""
    before = part[: error.start].decode(encoding)
    line = before.rpartition(NEWLINE)[2]
    mark = len("".encode(encoding))
    byte = len(line.encode(encoding)) - mark + 1
    return Problem(
        f"no {encoding.upper()} text: byte {byte} of the line",
        Place(file, number + before.count(NEWLINE)),
        "data_config.encoding",
        expected=f"{encoding.upper()} text",
        found=f"{part[error.start : error.end]!r} after {line[-40:]!r}",
        remedy="state the file's encoding in data_config.encoding, or correct the file",
    )
