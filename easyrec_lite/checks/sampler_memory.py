"""How much memory the tables of a sampler take, estimated from the beginnings of their files.

The figures are the growth of a process at its peak, while it loads tables and transforms items;
`python -m benchmarks.sampler_memory` measures them.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.input_paths import files_of, path_parts

if TYPE_CHECKING:
    from easyrec_lite.checks.specs.sampler import SamplerSpec
    from easyrec_lite.checks.view import View

READ_BYTES = 1 << 20
SAMPLE_ROWS = 1000
# Bytes for an item, for each of its attributes, for each byte of its line, for each further piece
# of an attribute that is a list, and for an edge and each byte of its line.
ITEM, ATTRIBUTE, TEXT, PIECE = 310, 70, 6, 80
EDGE, EDGE_TEXT = 250, 4
GZIP = 31


class TableSample(NamedTuple):
    """What the beginning of a table tells of the whole.

    Attributes:
      rows: the rows of the whole table, about.
      lines: the first rows.
    """

    rows: int
    lines: list[bytes]

    @property
    def line_bytes(self) -> float:
        """The mean length of a row."""
        return sum(map(len, self.lines)) / max(len(self.lines), 1)


def table_bytes(spec: SamplerSpec, view: View) -> int | None:
    """Returns the bytes of the tables of the config's sampler; None when a file is missing.

    Args:
      spec: the spec of the config's sampler.
      view: the config.
    """
    assert view.sampler is not None
    message = view.sampler.config
    samples = {}
    for field, path in spec.files(message):
        sample = _sample(path)
        if sample is None:
            return None
        samples[field] = sample
    items = samples.pop(spec.items)
    an_item = ITEM + ATTRIBUTE * len(message.attr_fields) + TEXT * items.line_bytes
    total = items.rows * (an_item + PIECE * _pieces(view, items.lines))
    total += sum(each.rows * (EDGE + EDGE_TEXT * each.line_bytes) for each in samples.values())
    return int(total)


def _sample(path: str) -> TableSample | None:
    """Returns what a table's first file and the sizes of all tell; None when one is missing."""
    parts = [files for _, files in path_parts(path)]
    if not parts or not all(parts):
        return None
    files = files_of(path)
    try:
        with fs.open_binary(files[0]) as file:
            head = file.read(READ_BYTES)
        size = sum(map(fs.size, files))
    except OSError:
        return None
    text = _unpacked(head)
    lines = text.split(b"\n")[1:]
    return TableSample(round(len(lines) * size / max(len(head), 1)), lines[:SAMPLE_ROWS])


def _unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(GZIP).decompress(head)
    except zlib.error:
        return head


def _pieces(view: View, lines: list[bytes]) -> float:
    """Returns how many separators the attributes of an item that are lists have, on average."""
    assert view.sampler is not None
    message = view.sampler.config
    separators = {
        name: feature.config.separator.encode()
        for feature in view.features
        for name in feature.inputs
        if feature.config.separator
    }
    delimiter, count = message.attr_delimiter.encode(), 0
    for line in lines:
        cells = line.rpartition(b"\t")[2].split(delimiter) if delimiter else []
        pairs = zip(message.attr_fields, cells, strict=False)
        count += sum(cell.count(separators[name]) for name, cell in pairs if name in separators)
    return count / max(len(lines), 1)
