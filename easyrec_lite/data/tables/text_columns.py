"""Reads some columns of a config's data files as text, in chunks, without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from easyrec_lite.checks.view import enum_name
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, DataError, Place, Problem
from easyrec_lite.data.fields import Field, input_fields
from easyrec_lite.data.paths import expand
from easyrec_lite.data.readers.csv.text import csv_format, layout, unpacked
from easyrec_lite.data.readers.parquet.table import check_schema, open_parquet

CSV_TYPES = ("CSVInput", "CSVInputV2", "CSVInputEx")
PARQUET_TYPES = ("ParquetInput", "ParquetInputV2")
MAX_PROBLEMS = 20


def text_columns(pipeline: Pipeline, path: str, fields: Sequence[Field]) -> Iterator[pa.Table]:
    """Yields parts of the files as tables of text, a column a field; no nulls.

    Args:
      pipeline: the config, for the format.
      path: as in `train_input_path`.
      fields: the columns to read.

    Raises:
      ConfigError: the config's input type is neither CSV nor Parquet.
      DataError: a file is missing, lacks a column, or has rows of another width.
    """
    data = pipeline.config.data_config
    kind = enum_name(data, "input_type")
    if kind not in (*CSV_TYPES, *PARQUET_TYPES):
        raise ConfigError(
            Problem(
                f"{kind} cannot be read here",
                pipeline.place("data_config.input_type"),
                "data_config.input_type",
                expected="one of " + ", ".join((*CSV_TYPES, *PARQUET_TYPES)),
                remedy="convert the files to CSV or Parquet",
            )
        )
    files = expand(path)
    return _csv(pipeline, files, fields) if kind in CSV_TYPES else _parquet(files, fields)


def _csv(pipeline: Pipeline, files: Sequence[str], fields: Sequence[Field]) -> Iterator[pa.Table]:
    form = csv_format(pipeline)
    columns = layout(form, files, input_fields(pipeline), fields).columns
    names = [field.name if field else f"-{place}" for place, field in enumerate(columns)]
    for file in files:
        torn: list[csv.InvalidRow] = []

        def skip(row: csv.InvalidRow, torn: list[csv.InvalidRow] = torn) -> str:
            torn.append(row)
            return "skip"

        try:
            with unpacked(file) as stream:
                reader = csv.open_csv(
                    stream,
                    csv.ReadOptions(
                        use_threads=False, column_names=names, skip_rows=int(form.with_header)
                    ),
                    csv.ParseOptions(
                        delimiter=form.separator.decode("latin-1"),
                        quote_char='"' if form.quoted else False,
                        invalid_row_handler=skip,
                    ),
                    csv.ConvertOptions(
                        include_columns=[field.name for field in fields],
                        column_types={field.name: pa.string() for field in fields},
                    ),
                )
                for batch in reader:
                    yield pa.Table.from_batches([batch])
        except pa.ArrowInvalid as error:
            raise DataError(Problem(f"cannot be read: {error}", Place(file))) from error
        if torn:
            raise DataError([_torn(file, row) for row in torn[:MAX_PROBLEMS]])


def _torn(file: str, row: csv.InvalidRow) -> Problem:
    return Problem(
        "wrong number of columns",
        Place(file, row.number or 0),
        expected=f"{row.expected_columns} columns",
        found=f"{row.actual_columns}: {row.text[:200]!r}",
    )


def _parquet(files: Sequence[str], fields: Sequence[Field]) -> Iterator[pa.Table]:
    names = [field.name for field in fields]
    for file in files:
        _, problems = check_schema(file, fields)
        if problems:
            raise DataError(problems)
        for batch in open_parquet(file).iter_batches(columns=names):
            cells = [_as_text(batch.column(name)) for name in names]
            yield pa.table(cells, names=names)


def _as_text(cells: pa.Array) -> pa.Array:
    if pa.types.is_list(cells.type) or pa.types.is_large_list(cells.type):
        cells = pc.binary_join(cells.cast(pa.list_(pa.string())), "|")
    return cells.cast(pa.string()).fill_null("")
