"""Cells that are values of their fields' types, but that a feature cannot read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from easyrec_lite.checks.columns import SKIP_REMEDY, InputField, shown
from easyrec_lite.core.errors import Problem

Columns = Mapping[str, Any]


class Expectation(NamedTuple):
    """What some columns of a row must contain, and which rows of a batch comply.

    Attributes:
      fields: the columns.
      message: what they must contain, a sentence.
      met: bool [B], whether each row complies.
    """

    fields: tuple[str, ...]
    message: str
    met: tf.Tensor


# The raw columns of B rows → what they must contain. It must not fail for any value of a cell.
CellCheck = Callable[[Columns], Sequence[Expectation]]


def nothing(columns: Columns) -> Sequence[Expectation]:
    """Returns no expectation."""
    return ()


def faults(check: CellCheck, columns: Columns) -> dict[int, list[Problem]]:
    """Returns the rows of a batch that do not comply → their problems, without places."""
    found: dict[int, list[Problem]] = {}
    for expected in check(columns):
        for row in tf.where(~expected.met)[:, 0].numpy().tolist():
            found.setdefault(row, []).append(_problem(expected, columns, row))
    return found


def columns_of(
    fields: Sequence[InputField], rows: Sequence[Mapping[str, Any]]
) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """Returns the columns [B] of B rows given as field name → value, or a list of values."""
    columns = {}
    for field in fields:
        values = [row[field.name] for row in rows]
        lists = any(isinstance(value, list) for value in values)
        make = partial(tf.ragged.constant, ragged_rank=1) if lists else tf.constant
        columns[field.name] = make(values, dtype=tf.as_dtype(field.dtype))
    return columns


def require(check: CellCheck, columns: Columns) -> Columns:
    """Returns the columns of B rows; reading them fails when a row does not comply.

    Raises:
      tf.errors.InvalidArgumentError: there is such a row.
    """
    checks = [
        tf.debugging.Assert(tf.reduce_all(expected.met), [expected.message])
        for expected in check(columns)
    ]
    if not checks:
        return columns
    with tf.control_dependencies(checks):
        return tf.nest.map_structure(tf.identity, dict(columns), expand_composites=True)


def _problem(expected: Expectation, columns: Columns, row: int) -> Problem:
    cells = [shown(_cell(columns[name], row)) for name in expected.fields]
    return Problem(
        message=f"{', '.join(cells)}: {expected.message}",
        path=", ".join(expected.fields),
        found=", ".join(cells),
        remedy=SKIP_REMEDY,
    )


def _cell(column: Any, row: int) -> bytes:
    cell = column[row].numpy()
    if isinstance(cell, bytes):
        return cell
    return str(cell.tolist()).encode()
