"""The columns of files that a SavedModel is applied to: those it reads, and those to copy."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from easyrec_lite.checks.columns import InputField, input_fields
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, DataError, Place, Problem, nearest
from easyrec_lite.data.readers.base import Reader, held_fields, open_reader
from easyrec_lite.data.readers.iterate import guarded
from easyrec_lite.data.rows.cells import CellCheck, nothing, require
from easyrec_lite.serving.list_inputs import ListInputs, joined_or_listed

ALL_COLUMNS = "ALL_COLUMNS"
FILL = "--fill_missing fills such columns with the defaults of their fields"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class InputColumns:
    """The rows of files, as the columns of a SavedModel.

    Attributes:
      reader: reads the columns that the files have.
      filled: columns that the files lack, which have the defaults of their fields.
      reserved: the columns to copy to the output.
      cells: what the rows must hold besides values of their fields' types.
      lists: how columns of lists become inputs and text.
    """

    reader: Reader
    filled: Sequence[InputField]
    reserved: Sequence[str]
    cells: CellCheck
    lists: ListInputs

    def batches(self, batch_size: int) -> Iterator[dict[str, Any]]:
        """Yields column → B values, in the order of the files.

        Raises:
          DataError: a row cannot be read, or is not what `cells` expects.
        """
        rows = self.reader.batches(batch_size).map(
            lambda raw, position: (require(self.cells, raw), position)
        )
        for raw, _ in guarded(self.reader, rows, lambda element: element[1]):
            yield self._complete(raw)

    def inputs(self, raw: dict[str, Any], specs: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """Returns the columns of a batch as a SavedModel takes them.

        Args:
          raw: of `batches`.
          specs: column → the spec of its input.

        Raises:
          DataError: lists that an input cannot take.
        """
        return {name: self.lists.given(name, raw[name], spec) for name, spec in specs.items()}

    def copied(self, raw: dict[str, Any], as_text: bool) -> dict[str, Any]:
        """Returns the reserved columns of a batch; lists as text, if they are written so."""
        if not as_text:
            return {name: raw[name] for name in self.reserved}
        return {name: joined_or_listed(self.lists, name, raw[name]) for name in self.reserved}

    def _complete(self, raw: dict[str, Any]) -> dict[str, Any]:
        if not self.filled:
            return raw
        column = next(iter(raw.values()))
        count = column.nrows() if isinstance(column, tf.RaggedTensor) else tf.shape(column)[0]
        return raw | {field.name: self._default(field, count) for field in self.filled}

    def _default(self, field: InputField, count: tf.Tensor) -> Any:
        """Returns the default for `count` rows; empty lists in a column of lists."""
        served = self.lists.served
        if field.name in served.lists:
            values = tf.zeros([0], field.dtype)
            return tf.RaggedTensor.from_row_lengths(values, tf.zeros([count], tf.int32))
        if field.name in served.texts:
            return tf.fill([count], "")
        return tf.fill([count], tf.constant(field.default, field.dtype))


def open_columns(
    pipeline: Pipeline,
    path: str,
    needed: Sequence[str],
    reserved: Sequence[str] = (),
    fill: bool = False,
    cells: CellCheck = nothing,
    extra: Sequence[str] = (),
) -> InputColumns:
    """Returns the columns of the files of `path`.

    Args:
      pipeline: the config, whose input format the files have.
      path: files, as in `train_input_path`.
      needed: the columns that are read, each an input field.
      reserved: further columns to copy; `ALL_COLUMNS` stands for all that the files have.
      fill: whether a needed column that the files lack has its field's default.
      cells: as of `InputColumns`.
      extra: columns to read, which the files must have.

    Raises:
      ConfigError: a reserved column is no input field.
      DataError: the files cannot be read, or lack a column.
    """
    fields = {field.name: field for field in input_fields(pipeline)}
    held = [field.name for field in held_fields(pipeline, path)]
    everything = ALL_COLUMNS in reserved
    kept = held if everything else chosen(reserved, list(fields), "column") if reserved else []
    missing = [name for name in needed if name not in held]
    if missing and (not fill or len(missing) == len(needed)):
        raise DataError(_lacking(path, missing, held, fill))
    if missing:
        shown = ", ".join(f"{name}={fields[name].default!r}" for name in missing)
        log.warning("%s lacks columns, which have their defaults: %s", path, shown)
    columns = [name for name in dict.fromkeys([*needed, *kept, *extra]) if name not in missing]
    reader = open_reader(
        pipeline, path, training=False, columns=columns, cells=cells, supervised=False
    )
    filled = [fields[name] for name in missing]
    return InputColumns(reader, filled, kept, cells, ListInputs(pipeline))


def chosen(wanted: Sequence[str], known: Sequence[str], kind: str) -> list[str]:
    """Returns the wanted names; all known ones if none is wanted, or `ALL_COLUMNS`.

    Args:
      wanted: names, or `ALL_COLUMNS`.
      known: the names that exist.
      kind: what they name, for messages.

    Raises:
      ConfigError: a name is unknown.
    """
    if ALL_COLUMNS in wanted:
        return list(known)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ConfigError(
            Problem(
                f"no {kind} {name!r}",
                Place("command line"),
                expected="one of " + ", ".join(known),
                nearest=nearest(name, known),
            )
            for name in unknown
        )
    return list(wanted or known)


def _lacking(path: str, missing: Sequence[str], held: Sequence[str], fill: bool) -> Problem:
    return Problem(
        "the input lacks columns that the model reads: " + ", ".join(missing),
        Place(path),
        found=", ".join(held) or "no column of data_config.input_fields",
        nearest=nearest(missing[0], held),
        remedy="add the columns, or rename them" + ("" if fill else f"; {FILL}"),
    )
