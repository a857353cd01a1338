"""The functions that SavedModels offer: raw columns in, predictions out, hashing inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from easyrec_lite.checks.columns import InputField, input_fields
from easyrec_lite.checks.separator import unescaped
from easyrec_lite.models.assembly import Parts

Outputs = dict[str, tf.Tensor]
SINGLE_INPUT = "features"


class ServedFunction(tf.Module):
    """One SavedModel: a function of raw columns, and the variables that it reads.

    Args:
      parts: the model.
      compute: feature values of B rows → outputs by name.
      features: names of the features that `compute` reads.

    Attributes:
      columns: the raw columns that the function takes.
      signature: the concrete function.
    """

    def __init__(
        self, parts: Parts, compute: Callable[[Any], Outputs], features: tuple[str, ...] | None
    ):
        super().__init__()
        self._transform = parts.transform
        self._features = features
        self._compute = compute
        self._kept = list(parts.model.variables_by_name().values())
        config = parts.pipeline.config
        export = config.export_config
        needed = parts.transform.input_fields(features)
        fields = input_fields(parts.pipeline)
        self._all = [field for field in fields if field.name not in config.data_config.label_fields]
        if not export.filter_inputs and features is None:
            needed = [field.name for field in self._all]
        self._fields = [field for field in fields if field.name in set(needed)]
        self.columns = [field.name for field in self._fields]
        self._lists = set(export.multi_value_fields.input_name)
        if export.multi_placeholder or features is not None:
            self.signature = self._from_columns()
        else:
            self.signature = self._from_lines(
                unescaped(parts.pipeline.config.data_config.separator)
            )

    def _from_columns(self) -> Any:
        specs = {field.name: self._spec(field) for field in self._fields}

        @tf.function(autograph=False)
        def serve(**columns: tf.Tensor) -> Outputs:
            return self._outputs({name: self._column(name, c) for name, c in columns.items()})

        return serve.get_concrete_function(**specs)

    def _from_lines(self, separator: bytes) -> Any:
        defaults = [[field.default] for field in self._all]

        @tf.function(autograph=False)
        def serve(**columns: tf.Tensor) -> Outputs:
            values = tf.io.decode_csv(
                columns[SINGLE_INPUT], defaults, field_delim=separator.decode()
            )
            return self._outputs(dict(zip([f.name for f in self._all], values, strict=True)))

        spec = tf.TensorSpec([None], tf.string, name=SINGLE_INPUT)
        return serve.get_concrete_function(**{SINGLE_INPUT: spec})

    def _outputs(self, columns: dict[str, Any]) -> Outputs:
        outputs = self._compute(self._transform(columns, self._features))
        return {name: tf.identity(value, name=name) for name, value in outputs.items()}

    def _spec(self, field: InputField) -> tf.TensorSpec:
        shape = [None, None] if field.name in self._lists else [None]
        return tf.TensorSpec(shape, field.dtype, name=field.name)

    def _column(self, name: str, column: tf.Tensor) -> Any:
        """A multi-valued column is padded at the end: strings with '', numbers are all kept."""
        if name not in self._lists:
            return column
        padding = "" if column.dtype == tf.string else None
        return tf.RaggedTensor.from_tensor(column, padding=padding)


def scorer(parts: Parts) -> ServedFunction:
    """Returns the SavedModel that scores user and item of each row."""
    return ServedFunction(parts, parts.model.serve, None)


def user_tower(parts: Parts) -> ServedFunction:
    """Returns the SavedModel of user columns → `user_tower_emb` float32 [B, D]."""
    return ServedFunction(
        parts,
        lambda values: {"user_tower_emb": parts.model.user_vectors(values)},
        parts.user_features,
    )


def item_tower(parts: Parts) -> ServedFunction:
    """Returns the SavedModel of item columns → `item_tower_emb` float32 [B, D]."""
    return ServedFunction(
        parts,
        lambda values: {"item_tower_emb": parts.model.item_vectors(values)},
        parts.item_features,
    )


SERVED: dict[str, Callable[[Parts], ServedFunction]] = {
    "scorer": scorer,
    "user_tower": user_tower,
    "item_tower": item_tower,
}
