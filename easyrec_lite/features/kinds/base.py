"""Base of the kinds of features: from raw columns to one feature value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import tensorflow as tf

from easyrec_lite.checks.features import Feature
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.columns import Column, Met

Columns = Mapping[str, Column]


class FeatureKind(tf.Module):
    """Computes the value of one feature from raw columns.

    Args:
      feature: the feature.
    """

    def __init__(self, feature: Feature):
        super().__init__()
        self.feature = feature

    def inputs(self, columns: Columns) -> list[Column]:
        """Returns the feature's columns in the order of its `input_names`."""
        return [columns[name] for name in self.feature.inputs]

    def __call__(self, columns: Columns) -> FeatureValue:
        """Returns the feature's value for B rows."""
        raise TypeError(f"{type(self).__name__} is no kind of feature")

    def cells(self, columns: Columns) -> Iterator[Met]:
        """Yields what the cells of B rows must be for `__call__` to read them, and which are.

        Nothing fails here, whatever a cell holds.
        """
        yield from ()

    def lengths(self, columns: Columns) -> tf.Tensor:
        """Returns the number of steps of each row, int64 [B]; for a kind with steps."""
        raise TypeError(f"{type(self).__name__} has no steps")

    def unknown(self, columns: Columns) -> tuple[tf.Tensor, tf.Tensor] | None:
        """Returns its values [N], and which are unknown or out of range, bool [N].

        None for a kind, or a config, that looks up no values.
        """
        return None
