"""`DummyInput`: random rows, to measure what is not reading."""

from __future__ import annotations

from easyrec_lite.checks.specs.reader import READERS, ReaderSpec


@READERS.declare
class DummySpec(ReaderSpec):
    """Rows that are made up from the types of the fields."""

    name = "DummyInput"
    module = "reader"
    reads_files = False
