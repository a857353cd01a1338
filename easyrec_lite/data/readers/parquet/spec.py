"""`ParquetInput`, `ParquetInputV2` and `ParquetInputV3`: Parquet files, fields as columns."""

from __future__ import annotations

from easyrec_lite.checks.specs.reader import READERS, ReaderSpec


@READERS.declare
class ParquetSpec(ReaderSpec):
    """Parquet files, read by row groups."""

    name = "ParquetInput"
    aliases = ("ParquetInputV2", "ParquetInputV3")
    module = "reader"
    plain = "plain"
    runs_python = True
    lists = True
