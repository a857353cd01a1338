"""Raw columns to feature values: one function for training, evaluation, prediction and serving."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import tensorflow as tf

from easyrec_lite.checks.columns import input_fields
from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.feature import FEATURE_KINDS
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import DataError, Problem
from easyrec_lite.data.rows.cells import Expectation
from easyrec_lite.data.rows.values import FeatureValue, row_lengths
from easyrec_lite.features.columns import emptied
from easyrec_lite.features.kinds.base import Columns, FeatureKind


class FeatureTransform(tf.Module):
    """The features that some feature group uses, computed from raw columns by TensorFlow ops.

    It holds no variables; vocabularies are lookup tables that a SavedModel takes along. A column
    is a tensor [B], or a list column [B, L] or ragged [B, (L)], of strings or numbers.

    A cell that a feature cannot read makes a call raise `InvalidArgumentError`: that costs good
    rows nothing. `expectations` says which cells those are, and `forgiving` takes the default of
    the column for them.

    Args:
      pipeline: the config.

    Raises:
      ConfigError: a vocabulary cannot be read.

    Example:
      >>> from easyrec_lite import load_config
      >>> transform = FeatureTransform(load_config("dssm_on_taobao.config"))
      >>> values = transform({"user_id": tf.constant(["7", ""])}, ["user_id"])
      >>> values["user_id"].ids.numpy().tolist()
      [56088, -1]
    """

    def __init__(self, pipeline: Pipeline):
        super().__init__()
        view = View(pipeline)
        self.features = view.grouped_features
        self._equally_long = [
            [feature.name for feature in (*attention.histories, *attention.extras)]
            for attentions in view.attentions.values()
            for attention in attentions
        ]
        self._equally_long.append(view.spec.step_sequences(view) if view.spec else [])
        self._kinds: dict[str, FeatureKind] = {
            name: FEATURE_KINDS.get(feature.kind)(feature)
            for name, feature in self.features.items()
        }
        self._defaults = {field.name: field.default for field in input_fields(pipeline)}

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
        kinds = self._chosen(names)
        missing = [
            _missing_column(kind.feature, name, columns)
            for kind in kinds
            for name in kind.feature.inputs
            if name not in columns
        ]
        if missing:
            raise DataError(missing)
        return self._required({kind.feature.name: kind(columns) for kind in kinds})

    def _required(self, values: dict[str, FeatureValue]) -> dict[str, FeatureValue]:
        """Returns the values; reading them fails where sequences read together differ in length.

        Their lengths are compared where all of them are there.
        """
        compared = [names for names in self._equally_long if all(name in values for name in names)]
        checks = [
            tf.debugging.assert_equal(row_lengths(values[name]), row_lengths(values[names[0]]))
            for names in compared
            for name in names[1:]
        ]
        if not checks:
            return values
        sequences = {name: values[name] for names in compared for name in names}
        with tf.control_dependencies(checks):
            return values | tf.nest.map_structure(tf.identity, sequences, expand_composites=True)

    def expectations(self, columns: Columns) -> list[Expectation]:
        """Returns what the cells of B rows must be for the features, and which rows' are.

        Features of which a column is not there are left out. Not for every step: it does the
        transform's work again.
        """
        readable = [
            Expectation(kind.feature.inputs, f"{message} (feature {kind.feature.name})", met)
            for kind in self._chosen(None)
            if all(name in columns for name in kind.feature.inputs)
            for message, met in kind.cells(columns)
        ]
        return readable + self._lengths_expected(columns)

    def _lengths_expected(self, columns: Columns) -> list[Expectation]:
        found = []
        for names in self._equally_long:
            fields = tuple(name for each in names for name in self.features[each].inputs)
            if len(names) > 1 and all(name in columns for name in fields):
                lengths = tf.stack([self._kinds[name].lengths(columns) for name in names])
                message = "sequences that are read together must have equal numbers of steps"
                met = tf.reduce_all(lengths == lengths[0], axis=0)
                found.append(Expectation(fields, message, met))
        return found

    def forgiving(
        self, columns: Columns, names: Collection[str] | None = None
    ) -> dict[str, FeatureValue]:
        """Returns what a call does; cells that a feature cannot read are its columns' defaults."""
        return {
            kind.feature.name: kind(self._readable(kind, columns)) for kind in self._chosen(names)
        }

    def unreadable(self, columns: Columns, names: Collection[str] | None = None) -> tf.Tensor:
        """Returns for how many of the features a row has cells that they cannot read, int32 [B]."""
        first = next(iter(columns.values()))
        count = first.nrows() if isinstance(first, tf.RaggedTensor) else tf.shape(first)[0]
        rows = [_all_met(kind, columns) for kind in self._chosen(names)]
        unmet = [tf.cast(~met, tf.int32) for met in rows if met is not None]
        return tf.add_n([tf.zeros([count], tf.int32), *unmet])

    def _readable(self, kind: FeatureKind, columns: Columns) -> Columns:
        kept = _all_met(kind, columns)
        if kept is None:
            return columns
        return {
            name: emptied(columns[name], kept, self._defaults.get(name))
            for name in kind.feature.inputs
        }

    def input_fields(self, names: Collection[str] | None = None) -> list[str]:
        """Returns the raw columns that the features `names` (None: all) read, each once."""
        inputs = (name for kind in self._chosen(names) for name in kind.feature.inputs)
        return list(dict.fromkeys(inputs))

    def unknown_values(self, columns: Columns) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        """Returns feature → its values [N], and which are unknown or out of range, so id 0.

        Only features with `num_buckets` or a vocabulary are there. Not for every step: it does
        the transform's work again.
        """
        found = {
            kind.feature.name: kind.unknown(columns)
            for kind in self._chosen(None)
            if kind.feature.reads_ids and not kind.feature.config.hash_bucket_size
        }
        return {name: values for name, values in found.items() if values is not None}

    def _chosen(self, names: Iterable[str] | None) -> list[FeatureKind]:
        return [self._kinds[name] for name in (self._kinds if names is None else names)]


def _all_met(kind: FeatureKind, columns: Columns) -> tf.Tensor | None:
    """Returns which rows a feature can read, bool [B]; None where it can read all."""
    met = [met for _, met in kind.cells(columns)]
    return tf.reduce_all(tf.stack(met), axis=0) if met else None


def _missing_column(feature: Feature, name: str, columns: Columns) -> Problem:
    return Problem(
        f"feature {feature.name!r} reads column {name!r}, which is not there",
        path=name,
        found=", ".join(sorted(columns)) or "no columns",
        remedy="give this column, or correct the feature's input_names",
    )
