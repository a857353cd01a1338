"""The functions of SavedModels: raw columns in, transformed to features inside, predictions out."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import tensorflow as tf

from easyrec_lite.checks.columns import InputField, input_fields
from easyrec_lite.checks.list_text import served_columns
from easyrec_lite.checks.separator import unescaped
from easyrec_lite.checks.view import View
from easyrec_lite.core.names import argument_names
from easyrec_lite.models.assembly import Parts
from easyrec_lite.models.base import Signature
from easyrec_lite.serving.text_cells import parsed_cells

Tensors = dict[str, tf.Tensor]
SINGLE_INPUT = "features"
# The signature that also counts cells which features cannot read, and its further output.
COUNTED = "with_unreadable"
UNREADABLE = "unreadable"


class ServedFunction(tf.Module):
    """A function of raw columns, with the variables that it reads: the content of a SavedModel.

    Args:
      parts: the model.
      offered: what the model offers to export.

    Attributes:
      columns: the raw columns that the function takes, each with the name of its input.
      signature: the concrete function. A cell that is no value of its type, or that a feature
        cannot read, has its default.
    """

    def __init__(self, parts: Parts, offered: Signature):
        super().__init__()
        features = None if offered.groups is None else parts.features_of(offered.groups)
        self._transform = parts.transform
        self._features = features
        self._compute = offered.compute
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
        self._separator = unescaped(config.data_config.separator).decode()
        self._by_column = export.multi_placeholder or features is not None
        specs = {SINGLE_INPUT: tf.TensorSpec([None], tf.string, name=SINGLE_INPUT)}
        if self._by_column:
            specs = {self.columns[field.name]: self._spec(field) for field in self._fields}
        serve = tf.function(lambda **inputs: self._outputs(self._raw(inputs)[0]), autograph=False)
        self.signature = serve.get_concrete_function(**specs)
        # Others, such as those of a block that only feeds a loss, are not part of what is saved.
        self._kept = list(self.signature.variables)

    @cached_property
    def counted(self) -> Any:
        """The concrete function that returns the outputs of `signature`, and `unreadable`."""

        @tf.function(autograph=False)
        def serve(**inputs: tf.Tensor) -> Tensors:
            return {**self.signature(**inputs), UNREADABLE: self.unreadable(inputs)}

        return serve.get_concrete_function(**self.signature.structured_input_signature[1])

    def unreadable(self, inputs: Tensors) -> tf.Tensor:
        """Returns how many times a row has the default for what cannot be read, int32 [B].

        A feature that cannot read its cells counts once, a cell of a line that is no value of its
        type as well.
        """
        columns, unparsed = self._raw(inputs)
        count = self._transform.unreadable(columns, self._features) + unparsed
        return tf.identity(count, UNREADABLE)

    def _raw(self, inputs: Tensors) -> tuple[dict[str, Any], tf.Tensor]:
        """Returns the raw columns, and how many cells of each line are no values, int32 [B]."""
        if self._by_column:
            columns = {name: self._column(name, inputs[i]) for name, i in self.columns.items()}
            return columns, tf.constant(0)
        texts = tf.io.decode_csv(
            inputs[SINGLE_INPUT], [[""]] * len(self._all), field_delim=self._separator
        )
        cells = {f.name: parsed_cells(f, text) for f, text in zip(self._all, texts, strict=True)}
        unmet = [tf.cast(~met, tf.int32) for _, met in cells.values()]
        return {name: values for name, (values, _) in cells.items()}, tf.add_n(unmet)

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
