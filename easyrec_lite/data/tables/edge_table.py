"""The tables of edges between users and items, which samplers read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from easyrec_lite.checks.encoding import UTF8
from easyrec_lite.data.tables.sampler_table import read_sampler_table

COLUMNS = ("userid", "itemid", "weight")


@dataclass(frozen=True)
class EdgeTable:
    """E edges in the order of the file.

    Attributes:
      path: the files, as in the config.
      users: ids as text, object [E].
      items: ids as text, object [E].
      weights: float64 [E], finite and ≥ 0; an edge of weight 0 does not count.
    """

    path: str
    users: np.ndarray
    items: np.ndarray
    weights: np.ndarray


def read_edge_table(
    path: str | Path, integer_users: bool, integer_items: bool, encoding: str = UTF8
) -> EdgeTable:
    """Reads lines `userid⇥itemid⇥weight` after a header with these names.

    Args:
      path: files, globs and folders, separated by commas.
      integer_users: whether user ids are integers, so that `007` equals `7`.
      integer_items: the same of item ids.
      encoding: the codec of the files.

    Raises:
      DataError: a file is missing, or has empty ids or weights that are not finite and ≥ 0; all
        of those at once.
    """
    table = read_sampler_table(path, COLUMNS, encoding)
    users = table.ids(0, "userid", integer_users)
    items = table.ids(1, "itemid", integer_items)
    weights = table.weights(2)
    table.raise_problems()
    return EdgeTable(str(path), users, items, weights)
