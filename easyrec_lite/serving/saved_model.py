"""SavedModels: written with a description for the manifest, read back as functions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

SIGNATURE = "serving_default"


class SavedModel:
    """One signature of a SavedModel.

    Attributes:
      inputs: input name → `tf.TensorSpec`.
      outputs: names of the outputs.
    """

    def __init__(self, folder: Path, signature: str = SIGNATURE):
        # The loaded object owns the variables; the signature alone would not keep them.
        self._owner = tf.saved_model.load(str(folder))
        self._function = self._owner.signatures[signature]
        self.inputs: dict[str, Any] = self._function.structured_input_signature[1]
        self.outputs = list(self._function.structured_outputs)

    def __call__(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the outputs by name."""
        return self._function(**inputs)


def dense(column: Any) -> tf.Tensor:
    """Returns a raw column as SavedModels take it: a list column is padded, [B, L]."""
    return column.to_tensor() if isinstance(column, tf.RaggedTensor) else column


def save_model(module: tf.Module, folder: Path, signatures: Mapping[str, Any]) -> dict[str, Any]:
    """Writes a SavedModel and returns its description for the manifest.

    Args:
      module: owns what the signatures read.
      folder: where to.
      signatures: name → concrete function; `serving_default` is one of them.

    Returns:
      Inputs and outputs by name with their dtypes and shapes (None: any size); those of further
      signatures under `signatures`.
    """
    tf.saved_model.save(module, str(folder), signatures=dict(signatures))
    described = {name: _described(function) for name, function in signatures.items()}
    default = described.pop(SIGNATURE)
    return {**default, "signatures": described} if described else default


def _described(signature: Any) -> dict[str, Any]:
    inputs = signature.structured_input_signature[1]
    return {
        "inputs": {name: _spec(spec) for name, spec in inputs.items()},
        "outputs": {n: _spec(spec) for n, spec in signature.structured_outputs.items()},
    }


def _spec(spec: Any) -> dict[str, Any]:
    return {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}
