"""Attributes of an item table that a feature cannot read."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from easyrec_lite.core.errors import DataError
from easyrec_lite.data.rows.cells import CellCheck, faults
from easyrec_lite.data.tables.item_table import ItemTable
from easyrec_lite.data.tables.sampler_table import MAX_PROBLEMS

REMEDY = "correct the item's attribute"


def require_readable(table: ItemTable, cells: CellCheck) -> None:
    """Checks the attributes of all items of a table.

    Raises:
      DataError: some are not what `cells` expects; says which, by file and line.
    """
    columns = {name: tf.constant(values) for name, values in table.attributes.items()}
    problems = [
        dataclasses.replace(problem, place=table.place(item), remedy=REMEDY)
        for item, why in sorted(faults(cells, columns).items())
        for problem in why
    ]
    if problems:
        raise DataError(problems[:MAX_PROBLEMS])
