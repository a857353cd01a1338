"""The records of TFRecord files. No TensorFlow.

A record is its length (uint64), the checksum of those bytes, its bytes, and their checksum; all
numbers are little-endian: `tensorflow/core/lib/io/record_writer.h`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from typing import IO

from easyrec_lite.core.errors import DataError
from easyrec_lite.data.readers.input_files import BROKEN, broken, unpacked

HEADER = struct.Struct("<QI")
CHECKSUM = struct.Struct("<I")
BLOCK = 1 << 20
CASTAGNOLI = 0x82F63B78


@cache
def _table() -> list[int]:
    """Returns the checksum of each byte."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (CASTAGNOLI if byte & 1 else 0)
        table.append(byte)
    return table


def masked_crc(data: bytes) -> int:
    """Returns the masked CRC-32C of bytes, as TFRecord files hold it.

    Example:
      >>> hex(masked_crc(b"123456789"))
      '0xc78ab0e5'
    """
    crc, table = 0xFFFFFFFF, _table()
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(file: str) -> Iterator[bytes]:
    """Yields the records of a file.

    Raises:
      DataError: it is no TFRecord file, or it is truncated or damaged.
    """
    try:
        with unpacked(file) as stream:
            number = 0
            while head := stream.read(HEADER.size):
                number += 1
                yield _record(stream, head)
    except BROKEN as error:
        raise DataError(broken(file, error)) from None
    except ValueError as error:
        raise DataError(broken(file, f"record {number}: {error}")) from None


def _record(stream: IO[bytes], head: bytes) -> bytes:
    """Returns the record that begins with `head`; ValueError when it is not whole."""
    if len(head) < HEADER.size:
        raise ValueError("the file ends inside of it")
    length, check = HEADER.unpack(head)
    if masked_crc(head[:8]) != check:
        raise ValueError("the checksum of its length is wrong")
    parts, left = [], length + CHECKSUM.size
    while left:  # in blocks, as a wrong length may exceed the memory
        block = stream.read(min(left, BLOCK))
        if not block:
            raise ValueError("the file ends inside of it")
        parts.append(block)
        left -= len(block)
    data = b"".join(parts)
    record = data[:length]
    if CHECKSUM.unpack(data[length:])[0] != masked_crc(record):
        raise ValueError("the checksum of its bytes is wrong")
    return record
