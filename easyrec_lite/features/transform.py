"""Raw columns to feature values: one function for training, evaluation, prediction and serving."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import tensorflow as tf

from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import DataError, Problem
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.kinds import KINDS, Columns, FeatureKind
from easyrec_lite.features.specs import feature_specs


class FeatureTransform(tf.Module):
    """The features that some feature group uses, computed from raw columns by TensorFlow ops.

    It holds no variables; vocabularies are lookup tables that a SavedModel takes along. A column
    is a tensor [B], or a list column [B, L] or ragged [B, (L)], of strings or numbers.

    Args:
      pipeline: the config.

    Raises:
      ConfigError: a feature is not what it must be; all problems at once.
    """

    def __init__(self, pipeline: Pipeline):
        super().__init__()
        self.specs = feature_specs(pipeline)
        self._features: dict[str, FeatureKind] = {
            name: KINDS[spec.kind](spec) for name, spec in self.specs.items()
        }

    def __call__(
        self, columns: Columns, names: Collection[str] | None = None
    ) -> dict[str, FeatureValue]:
        """Returns feature name → value of B rows.

        Args:
          columns: column name → B raw values; those of `input_fields(names)`.
          names: the features wanted; None is all.

        Raises:
          DataError: a column is missing.
        """
        features = self._chosen(names)
        missing = [
            _missing_column(feature, name, columns)
            for feature in features
            for name in feature.spec.inputs
            if name not in columns
        ]
        if missing:
            raise DataError(missing)
        return {feature.spec.name: feature(columns) for feature in features}

    def input_fields(self, names: Collection[str] | None = None) -> list[str]:
        """Returns the raw columns that the features `names` (None: all) read, each once."""
        inputs = (name for feature in self._chosen(names) for name in feature.spec.inputs)
        return list(dict.fromkeys(inputs))

    def invalid_counts(self, columns: Columns) -> dict[str, tf.Tensor]:
        """Returns feature → int64 count of values that are unknown or out of range, so id 0.

        Only features with `num_buckets` or a vocabulary are there. Not for every step: it does
        the transform's work again.
        """
        return {
            feature.spec.name: feature.invalid(columns)
            for feature in self._chosen(None)
            if feature.spec.reads_ids and not feature.spec.config.hash_bucket_size
        }

    def _chosen(self, names: Iterable[str] | None) -> list[FeatureKind]:
        return [self._features[name] for name in (self._features if names is None else names)]


def _missing_column(feature: FeatureKind, name: str, columns: Columns) -> Problem:
    return Problem(
        f"feature {feature.spec.name!r} reads column {name!r}, which is not there",
        path=name,
        found=", ".join(sorted(columns)) or "no columns",
        remedy="give this column, or correct the feature's input_names",
    )
