"""Ids as text, and their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from easyrec_lite.checks.item_id import ranked_id_field, user_id_field
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import DataError, Problem


class RankingColumns:
    """The columns that a full ranking reads: user, item and label.

    Args:
      pipeline: the config.

    Attributes:
      user: the user's id, '' for none.
      item: the item's id.
      label: a row is positive if it is above 0; '' for a listwise model: all rows are positive.
    """

    def __init__(self, pipeline: Pipeline):
        config = pipeline.config
        self.user = user_id_field(config)
        self.item = ranked_id_field(config)
        label = config.model_config.label_name or next(iter(config.data_config.label_fields), "")
        self.label = "" if View(pipeline).listwise else label

    @property
    def columns(self) -> list[str]:
        """The names that are not empty."""
        return [name for name in (self.user, self.item, self.label) if name]

    def positive(self, columns: dict[str, Any], rows: int) -> np.ndarray:
        """Returns bool [B], which rows are positive."""
        return columns[self.label].numpy() > 0 if self.label else np.ones(rows, bool)

    def items(self, columns: dict[str, Any]) -> np.ndarray:
        """Returns the item ids of B rows as text, object [B]."""
        return texts(self.item, columns[self.item])


class IdLookup:
    """Maps ids to their numbers: their places in `ids` (text, all different)."""

    def __init__(self, ids: np.ndarray | list[str]):
        self._index = pd.Index(ids, dtype=object)

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        """Returns int64 [B] for text [B], `ABSENT` (-1, as in pandas) for unknown ids."""
        return self._index.get_indexer(pd.Index(ids, dtype=object)).astype(np.int64)


def texts(name: str, column: tf.Tensor) -> np.ndarray:
    """Returns a column of B rows as text, object [B]; numbers as decimals.

    Raises:
      DataError: it is a list column.
    """
    if isinstance(column, tf.RaggedTensor):
        raise DataError(
            Problem(
                "a list column holds several values a row, where ranking needs one",
                path=name,
                remedy="name another column in eval_config.full_ranking",
            )
        )
    values = column.numpy().tolist()
    decoded = [
        value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
        for value in values
    ]
    return np.array(decoded, object)
