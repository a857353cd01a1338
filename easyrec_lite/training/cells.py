"""What the rows of a config's data must hold: for its features, and for its losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from easyrec_lite.checks.columns import input_fields
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import Problem
from easyrec_lite.data.readers.scan import RowCheck
from easyrec_lite.data.rows.cells import columns_of, faults
from easyrec_lite.features.transform import FeatureTransform


def row_check(pipeline: Pipeline) -> RowCheck:
    """Returns what looks at rows, given by their values, as training would.

    Raises:
      ConfigError: a feature is not what it must be.
    """
    transform, fields = FeatureTransform(pipeline), input_fields(pipeline)

    def check(rows: Sequence[Mapping[str, Any]]) -> Mapping[int, Sequence[Problem]]:
        return faults(transform.expectations, columns_of(fields, rows))

    return check
