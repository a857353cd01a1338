"""Tables of Parquet files, converted to the types of a config's fields. No TensorFlow."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from easyrec_lite.checks.columns import InputField
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError, Place, Problem, nearest
from easyrec_lite.data.readers.input_files import repeated_columns
from easyrec_lite.data.readers.partitions import NO_FOLDERS, Partitions

TYPES = {
    "INT32": pa.int32(),
    "INT64": pa.int64(),
    "STRING": pa.large_binary(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "BOOL": pa.bool_(),
}


def open_parquet(file: str) -> pq.ParquetFile:
    """Opens a Parquet file.

    Raises:
      DataError: it is no Parquet file, or it is broken.
    """
    try:
        return pq.ParquetFile(fs.open_arrow(file))
    except (pa.ArrowException, OSError) as error:
        remedy = "write the file again, or set data_config.input_type to what it is"
        problem = Problem(f"not a readable Parquet file: {error}", Place(file), remedy=remedy)
        raise DataError(problem) from None


def check_schema(
    file: str,
    fields: Sequence[InputField],
    single: Collection[str] = (),
    folders: Partitions = NO_FOLDERS,
) -> tuple[pa.Schema, list[Problem]]:
    """Returns the schema of a file, and a problem for each field that it lacks or cannot give.

    Columns of one name are a problem too.

    Args:
      file: a Parquet file.
      fields: the fields that it must hold.
      single: names of fields that must hold one value a row, no list.
      folders: the fields that folders hold: the file may lack them.
    """
    schema = open_parquet(file).schema_arrow
    problems = repeated_columns(schema.names, Place(file))
    single = {*single, *(field.name for field in folders.fields)}
    for field in fields:
        if field in folders.fields and field.name not in schema.names:
            continue
        if field.name not in schema.names:
            problems.append(
                Problem(
                    message=f"the file lacks the column {field.name!r}",
                    place=Place(file),
                    path=field.name,
                    found=", ".join(schema.names),
                    nearest=nearest(field.name, schema.names),
                    remedy="rename the column, or the field in data_config.input_fields",
                )
            )
        elif schema.names.count(field.name) > 1:
            continue
        elif not _readable(value_type(schema.field(field.name).type), field) or (
            field.name in single and is_list(schema.field(field.name).type)
        ):
            problems.append(
                Problem(
                    message=f"the column cannot be read as {field.type}",
                    place=Place(file),
                    path=field.name,
                    expected=f"{field.kind.expected}"
                    + (", one a row" if field.name in single else ""),
                    found=str(schema.field(field.name).type),
                    remedy="change input_type in data_config.input_fields, or the column's type",
                )
            )
    return schema, problems


def is_list(type: pa.DataType) -> bool:
    """Returns whether a column's cells are lists."""
    return (
        pa.types.is_list(type) or pa.types.is_large_list(type) or pa.types.is_fixed_size_list(type)
    )


def value_type(type: pa.DataType) -> pa.DataType:
    """Returns the type of a column's values, in a list, a dictionary, or a list of those."""
    inner = type.value_type if is_list(type) else type
    return inner.value_type if pa.types.is_dictionary(inner) else inner


def plain(values: pa.Array) -> pa.Array:
    """Returns values without a dictionary."""
    if pa.types.is_dictionary(values.type):
        return values.cast(values.type.value_type)
    return values


def _text(type: pa.DataType) -> bool:
    return any(
        check(type)
        for check in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_binary,
            pa.types.is_large_binary,
        )
    )


def _readable(type: pa.DataType, field: InputField) -> bool:
    whole = pa.types.is_integer(type) or pa.types.is_boolean(type)
    if _text(type) or whole or pa.types.is_null(type):
        return True
    return field.type in ("FLOAT", "DOUBLE") and (
        pa.types.is_floating(type) or pa.types.is_decimal(type)
    )


def convert(values: pa.Array, field: InputField) -> tuple[pa.Array, np.ndarray]:
    """Returns values [n] in the field's type, nulls as its default, and which of them are bad [n].

    A null is bad where the field is required.

    Args:
      values: an array without lists, of a type that `check_schema` accepts.
      field: its field.
    """
    values = plain(values)
    if _text(values.type) and field.type != "STRING":
        return _parsed(values, field)
    values, bad = _in_range(values, field)
    if field.type == "STRING" and not _text(values.type):
        values = values.cast(pa.large_string())
    values = values.cast(TYPES[field.type], safe=False)
    if pa.types.is_floating(values.type):
        bad |= ~pc.is_finite(values).fill_null(True).to_numpy(zero_copy_only=False)
    if field.required and values.null_count:
        bad |= pc.is_null(values).to_numpy(zero_copy_only=False)
    return values.fill_null(pa.scalar(field.default, values.type)), bad


def _in_range(values: pa.Array, field: InputField) -> tuple[pa.Array, np.ndarray]:
    """Returns values with null for those outside the field's integers, and which ones these are."""
    good = np.zeros(len(values), bool)
    if not pa.types.is_integer(values.type) or field.type not in ("INT32", "INT64", "BOOL"):
        return values, good
    try:
        values.cast(TYPES["INT32" if field.type == "BOOL" else field.type])
        return values, good
    except pa.ArrowInvalid:
        plain = values.to_pylist()
    bits = 64 if field.type == "INT64" else 32
    bad = np.array([v is not None and not -(2 ** (bits - 1)) <= v < 2 ** (bits - 1) for v in plain])
    kept = [None if out else value for value, out in zip(plain, bad, strict=True)]
    return pa.array(kept, values.type), bad


def _parsed(values: pa.Array, field: InputField) -> tuple[pa.Array, np.ndarray]:
    """Returns texts parsed as the cells of a CSV file are, and which of them are bad."""
    parsed: list[Any] = []
    bad = np.zeros(len(values), bool)
    for row, text in enumerate(values.cast(pa.large_binary()).to_pylist()):
        try:
            parsed.append(field.parse(text or b""))
        except ValueError:
            parsed.append(field.default)
            bad[row] = True
    return pa.array(parsed, TYPES[field.type]), bad


def convert_column(column: pa.Array, field: InputField) -> tuple[pa.Array, np.ndarray]:
    """Returns a column [n] of the field's type, or of lists of it, and which rows are bad [n].

    A null list is empty; a null in a list is the field's default.
    """
    if not is_list(column.type):
        return convert(column, field)
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    splits = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    values, bad = convert(column.flatten(), field)
    rows = np.repeat(np.arange(len(column)), lengths)
    bad_rows = np.bincount(rows[bad], minlength=len(column)) > 0
    return pa.LargeListArray.from_arrays(pa.array(splits), values), bad_rows


def convert_table(table: pa.Table, fields: Sequence[InputField]) -> tuple[pa.Table, np.ndarray]:
    """Returns the fields' columns of a table [n], converted, and which rows are bad [n]."""
    bad = np.zeros(len(table), bool)
    columns = {}
    for field in fields:
        array = table.column(field.name).combine_chunks()
        if isinstance(array, pa.ChunkedArray):
            array = pa.concat_arrays(array.chunks)
        columns[field.name], wrong = convert_column(array, field)
        bad |= wrong
    return pa.table(columns), bad


def held_columns(parquet: pq.ParquetFile, names: Sequence[str]) -> list[str]:
    """Returns those of the columns `names` that a file itself holds."""
    held = set(parquet.schema_arrow.names)
    return [name for name in names if name in held]


def with_folders(table: pa.Table, rows: int, file: str, folders: Partitions) -> pa.Table:
    """Returns the table of `rows` rows of a file, with the columns that its folders hold."""
    columns = {name: table[name] for name in table.column_names}
    for field in folders.fields:
        if field.name not in columns:
            text = folders.text(file, field.name)
            value = pa.scalar(field.parse(text) if text else None, TYPES[field.type])
            columns[field.name] = pa.repeat(value, rows)
    return pa.table(columns)


def against_folders(converted: pa.Table, file: str, folders: Partitions) -> np.ndarray:
    """Returns which rows of a file differ from its folders, bool [n]."""
    wrong = np.zeros(len(converted), bool)
    for field in folders.fields:
        if field.name in converted.column_names:
            value = pa.scalar(folders.value(file, field), TYPES[field.type])
            wrong |= pc.not_equal(converted[field.name], value).to_numpy()
    return wrong


def row_problems(
    row: pa.Table, fields: Sequence[InputField], file: str = "", folders: Partitions = NO_FOLDERS
) -> list[Problem]:
    """Returns the problems of the one row of a table of a file, without their place."""
    problems = []
    for field in fields:
        cell = row.select([field.name])
        converted, bad = convert_table(cell, [field])
        value = cell[field.name][0].as_py()
        text = b"" if value is None else str(value).encode()
        if bad[0]:
            problems.append(field.problem(text))
        elif against_folders(converted, file, folders)[0]:
            problems.append(folders.problem(file, field.name, text))
    return problems
