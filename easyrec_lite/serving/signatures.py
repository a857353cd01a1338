"""The functions of SavedModels: raw columns in, transformed to features inside, predictions out."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.checks.columns import InputField, input_fields
from easyrec_lite.checks.list_text import served_columns
from easyrec_lite.checks.separator import unescaped
from easyrec_lite.checks.view import View
from easyrec_lite.core.names import argument_names
from easyrec_lite.models.assembly import Parts
from easyrec_lite.models.base import Signature

Tensors = dict[str, tf.Tensor]
SINGLE_INPUT = "features"


class ServedFunction(tf.Module):
    """A function of raw columns, with the variables that it reads: the content of a SavedModel.

    Args:
      parts: the model.
      offered: what the model offers to export.

    Attributes:
      columns: the raw columns that the function takes, each with the name of its input.
      signature: the concrete function.
    """

    def __init__(self, parts: Parts, offered: Signature):
        super().__init__()
        features = None if offered.groups is None else parts.features_of(offered.groups)
        self._transform = parts.transform
        self._features = features
        self._compute = offered.compute
        self._kept = list(parts.model.variables_by_name().values())
        config = parts.pipeline.config
        export = config.export_config
        needed = parts.transform.input_fields(features)
        fields = input_fields(parts.pipeline)
        self._all = [field for field in fields if field.name not in config.data_config.label_fields]
        if not export.filter_inputs and features is None:
            needed = [field.name for field in self._all]
        self._fields = [field for field in fields if field.name in set(needed)]
        inputs = argument_names(field.name for field in fields)
        self.columns = {field.name: inputs[field.name] for field in self._fields}
        served = served_columns(View(parts.pipeline))
        self._lists, self._texts = served.lists, served.texts
        if export.multi_placeholder or features is not None:
            self.signature = self._from_columns()
        else:
            self.signature = self._from_lines(
                unescaped(parts.pipeline.config.data_config.separator)
            )

    def _from_columns(self) -> Any:
        specs = {self.columns[field.name]: self._spec(field) for field in self._fields}

        @tf.function(autograph=False)
        def serve(**inputs: tf.Tensor) -> Tensors:
            columns = self.columns.items()
            return self._outputs({name: self._column(name, inputs[i]) for name, i in columns})

        return serve.get_concrete_function(**specs)

    def _from_lines(self, separator: bytes) -> Any:
        defaults = [[field.default] for field in self._all]

        @tf.function(autograph=False)
        def serve(**columns: tf.Tensor) -> Tensors:
            values = tf.io.decode_csv(
                columns[SINGLE_INPUT], defaults, field_delim=separator.decode()
            )
            return self._outputs(dict(zip([f.name for f in self._all], values, strict=True)))

        spec = tf.TensorSpec([None], tf.string, name=SINGLE_INPUT)
        return serve.get_concrete_function(**{SINGLE_INPUT: spec})

    def _outputs(self, columns: dict[str, Any]) -> Tensors:
        outputs = self._compute(self._transform.forgiving(columns, self._features))
        return {name: tf.identity(value, name=name) for name, value in outputs.items()}

    def _spec(self, field: InputField) -> tf.TensorSpec:
        shape = [None, None] if field.name in self._lists else [None]
        dtype = "string" if field.name in self._texts else field.dtype
        return tf.TensorSpec(shape, dtype, name=self.columns[field.name])

    def _column(self, name: str, column: tf.Tensor) -> Any:
        """Returns a list column without its padding: '' at the end; of numbers, all are kept."""
        if name not in self._lists:
            return _one_a_row(name, column)
        padding = "" if column.dtype == tf.string else None
        return tf.RaggedTensor.from_tensor(column, padding=padding)


def _one_a_row(name: str, column: tf.Tensor) -> tf.Tensor:
    """Returns a column [B, 1], as clients of TensorFlow Serving send it, as [B]; a scalar as [1].

    TensorFlow does not compare what is served with the signature's shape, so that the column may
    have any: the placeholder hides the declared one, by which a reshape would be left out.
    """
    given = tf.raw_ops.PlaceholderWithDefault(input=column, shape=tf.TensorShape(None))
    message = f"{name}: one value a row, shape [B] or [B, 1]; found shape"
    shape = tf.shape(given)
    rows = tf.reduce_prod(shape[:1])
    one = tf.debugging.Assert(tf.equal(tf.size(given), rows), [message, shape])
    with tf.control_dependencies([one]):
        return tf.reshape(given, [-1])
