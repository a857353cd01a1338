"""What the layers of a model multiply its features by, averaged over rows of data."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.core.files import atomic_write
from easyrec_lite.features.batch import Batch
from easyrec_lite.models.base import Model
from easyrec_lite.models.retrieval.field_weights import WeightedFields, find_weighted_fields

FILE = "feature_weights.json"
ROWS = 4096


class FieldFactors:
    """Sums of the factors of one layer over rows.

    Args:
      weighted: the layer, and the names of its F fields.
    """

    def __init__(self, weighted: WeightedFields):
        self._weighted = weighted
        self._rows = 0
        self._sums = np.zeros([4, len(weighted.fields)])

    def add(self, fields: tf.Tensor, factors: tf.Tensor) -> None:
        """Takes in B rows: `fields` and their `factors`, float32 [B, Σ D_f]."""
        cuts = np.cumsum(self._weighted.layer.widths)[:-1]
        values = np.split(np.asarray(fields, np.float64), cuts, axis=1)
        parts = np.split(np.asarray(factors, np.float64), cuts, axis=1)
        self._rows += len(values[0])
        for index, (value, part) in enumerate(zip(values, parts, strict=True)):
            of_rows = part.mean(axis=1)
            self._sums[:, index] += (
                of_rows.sum(),
                np.square(of_rows).sum(),
                np.abs(part).mean(axis=1).sum(),
                np.square(part * value).mean(axis=1).sum(),
            )

    def described(self) -> dict[str, Any]:
        """Returns tower, layer and features; for each feature of D numbers, over rows and numbers:

        `mean` of the factor, `magnitude` = mean |factor|, `spread` = standard deviation between
        rows of a row's mean factor, `size` = root mean square of factor × value.
        """
        mean, squared, magnitude, size = self._sums / max(self._rows, 1)
        spread = np.sqrt(np.maximum(squared - mean**2, 0))
        columns = {
            "mean": mean,
            "magnitude": magnitude,
            "spread": spread,
            "size": np.sqrt(size),
        }
        features = [
            {"name": name, "dim": dim, **{key: float(col[i]) for key, col in columns.items()}}
            for i, (name, dim) in enumerate(
                zip(self._weighted.fields, self._weighted.layer.widths, strict=True)
            )
        ]
        return {"tower": self._weighted.side, "layer": self._weighted.name, "features": features}


def feature_weights(model: Model, batches: Iterable[Batch]) -> list[dict[str, Any]]:
    """Returns `FieldFactors.described()` for each layer of a model that weights fields.

    Args:
      model: with the weights that it has now.
      batches: rows that the towers with such layers are called with, eagerly.
    """
    layers = find_weighted_fields(model)
    if not layers:
        return []
    towers = {weighted.side: weighted.tower for weighted in layers}
    sums = {weighted: FieldFactors(weighted) for weighted in layers}
    for batch in batches:
        for side, tower in towers.items():
            with ExitStack() as stack:
                for weighted in layers:
                    if weighted.side == side:
                        stack.enter_context(weighted.layer.watched(sums[weighted].add))
                tower(batch.features, False)
    return [total.described() for total in sums.values()]


def write_feature_weights(folder: Path, step: int, model: Model, batches: Iterable[Batch]) -> None:
    """Writes `feature_weights.json` of a model into `folder`, if layers of it weight fields."""
    layers = feature_weights(model, batches)
    if layers:
        content = {"step": step, "layers": layers}
        atomic_write(folder / FILE, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
