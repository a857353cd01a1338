"""What the rows of a config's data must hold: for its features, and for its losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from easyrec_lite.checks.columns import input_fields
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import Problem
from easyrec_lite.data.readers.scan import RowCheck
from easyrec_lite.data.rows.cells import CellCheck, Columns, Expectation, columns_of, faults
from easyrec_lite.features.transform import FeatureTransform


def label_check(pipeline: Pipeline) -> CellCheck:
    """Returns what the label and the weight of a row must be for the config's losses."""
    view = View(pipeline)
    label = view.model_config.label_name or next(iter(view.data.label_fields), "")
    weight = view.data.sample_weight
    specs = [(loss.name, view.loss_spec(loss)) for loss in view.losses]
    ranges = [(name, *spec.labels) for name, spec in specs if spec is not None and spec.labels]

    def check(columns: Columns) -> list[Expectation]:
        expected = []
        for name, low, high in ranges if label in columns else ():
            values = tf.cast(columns[label], tf.float32)
            message = f"a label of {name} must lie from {low:g} to {high:g}"
            expected.append(Expectation((label,), message, (values >= low) & (values <= high)))
        if weight in columns:
            values = tf.cast(columns[weight], tf.float32)
            expected.append(Expectation((weight,), "a weight must not be below 0", values >= 0))
        return expected

    return check


def cell_check(pipeline: Pipeline, transform: FeatureTransform) -> CellCheck:
    """Returns what rows must hold for the features and the losses of a config."""
    labels = label_check(pipeline)
    return lambda columns: [*transform.expectations(columns), *labels(columns)]


def row_check(pipeline: Pipeline) -> RowCheck:
    """Returns what looks at rows, given by their values, as training would.

    Raises:
      ConfigError: a vocabulary cannot be read.
    """
    check, fields = cell_check(pipeline, FeatureTransform(pipeline)), input_fields(pipeline)

    def rows_check(rows: Sequence[Mapping[str, Any]]) -> Mapping[int, Sequence[Problem]]:
        return faults(check, columns_of(fields, rows))

    return rows_check
