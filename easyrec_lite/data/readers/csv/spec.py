"""`CSVInput`, `CSVInputV2` and `CSVInputEx`: text files, a row a line."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.separator import is_separator, unescaped
from easyrec_lite.checks.specs.reader import READERS, ReaderSpec
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem


@READERS.declare
class CsvSpec(ReaderSpec):
    """Lines of text, cut into cells by a separator."""

    name = "CSVInput"
    aliases = ("CSVInputV2", "CSVInputEx")
    module = "reader"
    plain = "rows"
    reads_text = True

    def check(self, view: View) -> Iterator[Problem]:
        """The separator is one byte that cannot be part of a line's own syntax."""
        text = view.data.separator
        if not is_separator(unescaped(text)):
            yield view.error(
                "data_config.separator",
                "separator is empty"
                if not text
                else "the separator must be one byte, other than a quote or a line end",
                expected='one character, e.g. ","',
                found=repr(text),
                remedy=r"use a separator such as ',', '\t' or '\001', also in the files",
            )
