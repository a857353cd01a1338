"""Edges between users and items, looked up by the users of a batch."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import tensorflow as tf

from easyrec_lite.core.errors import DataError, Place
from easyrec_lite.data.samplers.catalogue import IdIndex
from easyrec_lite.data.samplers.sampler import Located, Lookup
from easyrec_lite.data.tables.edge_table import EdgeTable
from easyrec_lite.data.tables.joins import unknown_problem

# How many unknown items are looked at, to tell what is wrong with them.
EXAMPLES = 1000
log = logging.getLogger(__name__)


class Edges:
    """The edges of each user, sorted by user; the users of a batch find theirs between two places.

    Args:
      table: the edges. Those to items outside the catalogue are left out.
      items: the rows of the catalogue's items.
      user_field: the column of the data that holds the user's id.
      name: of the lookup of users.

    Attributes:
      lookups: `name` → the lookup of users.

    Raises:
      DataError: no edge leads to an item of the catalogue.
    """

    def __init__(self, table: EdgeTable, items: IdIndex, user_field: str, name: str):
        self._name = name
        rows = items(tf.constant(table.items, tf.string)).numpy()
        _check_items(table, rows, items)
        kept = (rows >= 0) & (table.weights > 0)
        of_edge, users = pd.factorize(table.users)
        numbers = of_edge[kept]
        order = np.argsort(numbers, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=len(users)))])
        ids = IdIndex(tf.constant(np.asarray(users, object), tf.string))
        self.lookups = {name: Lookup(user_field, ids)}
        self._starts = tf.constant(starts, tf.int64)
        self._rows = tf.constant(rows[kept][order], tf.int64)
        self._log_weights = tf.constant(np.log(table.weights[kept][order]), tf.float64)

    def __call__(self, located: Located) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns the edges of all users of the batch, those of row 0 first.

        Args:
          located: the places of the ids of B rows, with the lookup of users among them.

        Returns:
          int64 [E] the row in B, int64 [E] the row of the catalogue, float64 [E] log(weight).
        """
        user = located[self._name]
        known = tf.where(user >= 0)[:, 0]
        user = tf.gather(user, known)
        first, end = tf.gather(self._starts, user), tf.gather(self._starts, user + 1)
        places = tf.ragged.range(first, end)
        owner = tf.gather(known, places.value_rowids())
        place = places.flat_values
        return owner, tf.gather(self._rows, place), tf.gather(self._log_weights, place)

    def items(self, located: Located) -> tf.Tensor:
        """Returns int64 [E], the rows of the catalogue that users of the batch have edges to."""
        return self(located)[1]


def _check_items(table: EdgeTable, rows: np.ndarray, items: IdIndex) -> None:
    """Logs how many edges lead to no item.

    Raises:
      DataError: all of them.
    """
    unknown = table.items[rows < 0]
    problem = unknown_problem(
        "edges lead to items that the item table",
        list(dict.fromkeys(unknown[:EXAMPLES].tolist())),
        len(unknown),
        len(rows),
        (text.decode(errors="replace") for text in items.ids.numpy().tolist()),
        Place(table.path),
    )
    if problem and problem.severity == "error":
        raise DataError(problem)
    if problem:
        log.warning("%s", problem)
