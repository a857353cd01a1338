"""SavedModels: writes them with a description for the manifest, and reads them as functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError, Place, Problem, plain_words

SIGNATURE = "serving_default"
# Where a SavedModel says which columns its inputs take, if they are not called alike.
COLUMNS_FILE = Path("assets.extra", "input_columns.json")


class SavedModel:
    """One signature of a SavedModel.

    Attributes:
      inputs: column → `tf.TensorSpec` of the input that takes it.
      outputs: names of the outputs.

    Raises:
      DataError: a file of it is missing or damaged, or it lacks the signature.
    """

    def __init__(self, folder: Path, signature: str = SIGNATURE):
        # The loaded object owns the variables; the signature alone would not keep them.
        try:
            self._owner = tf.saved_model.load(str(folder))
            self._function = self._owner.signatures[signature]
        except (tf.errors.OpError, OSError, DecodeError, KeyError) as error:
            raise DataError(_unreadable(folder, error)) from error
        specs = self._function.structured_input_signature[1]
        columns = input_columns(folder)
        self.inputs: dict[str, Any] = {columns.get(name, name): specs[name] for name in specs}
        self._names = {column: name for name, column in columns.items()}
        self.outputs = list(self._function.structured_outputs)

    def __call__(self, /, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the outputs by name; `inputs` are named by their columns."""
        named = {self._names.get(column, column): value for column, value in inputs.items()}
        return self._function(**named)


def input_columns(folder: Path) -> dict[str, str]:
    """Returns input name → column, of the inputs of a SavedModel that are not called as columns."""
    path = folder / COLUMNS_FILE
    columns: dict[str, str] = json.loads(fs.read_text(path)) if fs.is_file(path) else {}
    return columns


def save_model(
    module: tf.Module,
    folder: Path,
    signatures: Mapping[str, Any],
    columns: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Writes a SavedModel and returns its description for the manifest.

    Args:
      module: owns the variables of the signatures.
      folder: the folder to write.
      signatures: name → concrete function; `serving_default` is one of them.
      columns: column → the input that takes it; where they differ, that is written beside the
        SavedModel and into the description.

    Returns:
      Inputs and outputs by name with their dtypes and shapes (None: any size); those of further
      signatures under `signatures`.

    Raises:
      OSError: it cannot be written.
    """
    try:
        tf.saved_model.save(module, str(folder), signatures=dict(signatures))
    except tf.errors.OpError as error:
        raise OSError(plain_words(error)) from error
    renamed = {name: column for column, name in (columns or {}).items() if name != column}
    if renamed:
        fs.make_folder(folder / COLUMNS_FILE.parent)
        fs.write_text(folder / COLUMNS_FILE, json.dumps(renamed, ensure_ascii=False, indent=1))
    described = {name: _described(function, renamed) for name, function in signatures.items()}
    default = described.pop(SIGNATURE)
    return {**default, "signatures": described} if described else default


def _described(signature: Any, columns: Mapping[str, str]) -> dict[str, Any]:
    inputs = signature.structured_input_signature[1]
    return {
        "inputs": {
            name: _spec(spec) | ({"column": columns[name]} if name in columns else {})
            for name, spec in inputs.items()
        },
        "outputs": {n: _spec(spec) for n, spec in signature.structured_outputs.items()},
    }


def _spec(spec: Any) -> dict[str, Any]:
    return {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}


def _unreadable(folder: Path, error: Exception) -> Problem:
    return Problem(
        "the SavedModel cannot be read",
        Place(str(folder)),
        expected=f"a whole SavedModel with the signature {SIGNATURE!r}",
        found=plain_words(error),
        remedy="copy the export again, or export the model again",
    )
