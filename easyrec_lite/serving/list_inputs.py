"""Raw columns as the inputs of SavedModels take them: lists padded, or joined to text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from easyrec_lite.checks.list_text import ServedColumns, served_columns
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import DataError, Problem


class ListInputs:
    """Turns the columns that a reader yields into inputs of the SavedModels of a config.

    Args:
      pipeline: the config.

    Attributes:
      served: how SavedModels take columns of several values.
    """

    def __init__(self, pipeline: Pipeline):
        self.served: ServedColumns = served_columns(View(pipeline))

    def given(self, name: str, column: Any, spec: tf.TensorSpec) -> tf.Tensor:
        """Returns a raw column, [B] or ragged [B, (L)], as an input of this spec.

        Raises:
          DataError: it holds lists that the input cannot tell apart from others.
        """
        if spec.shape.rank == 2:
            return self._padded(name, column)
        if isinstance(column, tf.RaggedTensor):
            return tf.constant(self.joined(name, column).to_pylist(), tf.string)
        if spec.dtype == tf.string and column.dtype != tf.string:
            return tf.constant(_texts(column.numpy()).to_pylist(), tf.string)
        return column

    def _padded(self, name: str, column: Any) -> tf.Tensor:
        if not isinstance(column, tf.RaggedTensor):
            return column[:, tf.newaxis]
        lengths = column.row_lengths().numpy()
        if name in self.served.padded and len(set(lengths.tolist())) > 1:
            raise DataError(
                Problem(
                    f"lists of numbers of different lengths: the padding of {name} is read as 0",
                    path=name,
                    found=f"lists of {lengths.min()} to {lengths.max()} numbers",
                    remedy=f"remove {name} from export_config.multi_value_fields, so that it is "
                    "served as text, and export again; or predict with --batch_size 1",
                )
            )
        return column.to_tensor()

    def joined(self, name: str, column: tf.RaggedTensor) -> pa.Array:
        """Returns lists [B, (L)] as text, joined by the separator of the features that read them.

        Raises:
          DataError: no separator is known, or an entry contains it.
        """
        separators = self.served.separators.get(name)
        if not separators:
            remedy = "add it to export_config.multi_value_fields, and export again"
            problem = f"lists of {name} have no text form: no feature, or no one separator, cuts it"
            raise DataError(Problem(problem, path=name, remedy=remedy))
        return _joined(name, column, separators[0])


def joined_or_listed(lists: ListInputs, name: str, column: Any) -> Any:
    """Returns a column to be written as text: lists in their text form, where they have one."""
    if isinstance(column, tf.RaggedTensor) and name in lists.served.separators:
        return tf.constant(lists.joined(name, column).to_pylist(), tf.string)
    return column


def _joined(name: str, column: tf.RaggedTensor, separator: str) -> pa.Array:
    entries = _texts(column.values.numpy())
    torn = pc.match_substring(entries, separator.encode()).to_numpy(zero_copy_only=False)
    if torn.any():
        found = entries[int(np.argmax(torn))].as_py()
        raise DataError(
            Problem(
                f"an entry of a list of {name} contains {separator!r}, at which its text is split",
                path=name,
                found=repr(found.decode(errors="backslashreplace")),
                remedy="set the feature's separator to a text that no entry contains",
            )
        )
    splits = pa.array(column.row_splits.numpy().astype(np.int32))
    return pc.binary_join(pa.ListArray.from_arrays(splits, entries), separator.encode())


def _texts(values: np.ndarray) -> pa.Array:
    """Returns values [N] as binary text; numbers in the shortest form that reads back."""
    if values.dtype == object:
        return pa.array(values, pa.binary())
    return pa.array(values).cast(pa.string()).cast(pa.binary())
