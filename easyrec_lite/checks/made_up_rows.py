"""Expressions of features, computed on a few made-up rows: one number a row, whatever the batch.

NumPy computes them, so that no TensorFlow is loaded. What it cannot tell is not reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from easyrec_lite.config.expressions import Expression, FunctionName, NotComputable
from easyrec_lite.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from easyrec_lite.checks.view import View

BATCHES = (3, 1, 2)


def column_problems(
    view: View, path: str, function: Expression, columns: Sequence[str]
) -> Iterator[Problem]:
    """Yields what is wrong with an expression of columns, each a number a row.

    One number may stand for all rows.

    Args:
      view: the config.
      path: of the expression.
      function: the expression.
      columns: the fields that are its arguments.
    """
    import numpy as np

    samples = {
        name: np.array([_default(view, name), 1.0, 2.0 + place])
        for place, name in enumerate(columns)
    }
    yield from _problems(view, path, function, samples, broadcast=True)


def number_problems(
    view: View, path: str, function: Expression | FunctionName, dim: int, low: float, high: float
) -> Iterator[Problem]:
    """Yields what is wrong with a function of a feature's numbers, D a row.

    Args:
      view: the config.
      path: of the function.
      function: what normalises the numbers.
      dim: D.
      low, high: the numbers that were scaled to 0 and 1 before, if `high` is more.
    """
    import numpy as np

    values = np.array([0.0, 1.0, 2.0], np.float32)
    if high > low:
        values = (np.array([low, high, (low + high) / 2], np.float32) - low) / (high - low)
    samples = {"x": np.repeat(values[:, None], dim, axis=1).astype(np.float32)}
    yield from _problems(view, path, function, samples, broadcast=False)


def _problems(
    view: View,
    path: str,
    function: Expression | FunctionName,
    samples: Mapping[str, Any],
    *,
    broadcast: bool,
) -> Iterator[Problem]:
    """Yields the problems of the first number of rows that has some.

    Args:
      view: the config.
      path: of the function.
      function: what is computed.
      samples: its arguments by name, of 3 rows.
      broadcast: whether one number may stand for all rows.
    """
    import numpy as np

    from easyrec_lite.config.expressions.arrays import NUMPY, Array

    # The batch itself shows whether it makes too much.
    for rows in (*BATCHES, view.data.batch_size):
        given = [np.resize(sample, (rows, *sample.shape[1:])) for sample in samples.values()]
        try:
            result = function.evaluate(list(map(Array, given)), NUMPY)
        except NotComputable:
            return
        except ConfigError as error:
            yield from (
                replace(each, message=f"{each.message}, for {_count(rows)}")
                for each in error.problems
            )
            return
        shape = list(np.shape(getattr(result, "values", result)))
        wanted = list(given[0].shape) if given else [rows]
        if shape != wanted and not (broadcast and shape in ([], [1])):
            yield view.error(
                path,
                "the result is not one number a row",
                expected=f"shape {wanted} for {_count(rows)}",
                found=f"shape {shape} of {function.text!r}",
                remedy="write an expression whose value is one number a row",
            )
            return
        if rows == len(next(iter(samples.values()), ())):
            yield from _not_finite(view, path, samples, result)


def _not_finite(
    view: View, path: str, samples: Mapping[str, Any], result: Any
) -> Iterator[Problem]:
    """Yields a warning of the first row whose result is NaN or infinite."""
    import numpy as np

    values = np.asarray(getattr(result, "values", result), np.float64)
    first = next(iter(samples.values()))
    finite = np.isfinite(np.broadcast_to(values, first.shape)).reshape(len(first), -1).all(axis=1)
    if finite.all():
        return
    row = int(np.argmin(finite))
    found = ", ".join(f"{name} = {sample[row].flat[0]:g}" for name, sample in samples.items())
    yield view.warning(
        path,
        "the result is not finite for plausible values",
        found=f"{np.broadcast_to(values, first.shape)[row].flat[0]:g} for {found}",
        remedy="choose by tf.where, or use a function such as tf.math.log1p or "
        "tf.math.divide_no_nan",
    )


def _count(rows: int) -> str:
    return f"{rows} row{'s' if rows > 1 else ''}"


def _default(view: View, column: str) -> float:
    """Returns the number of an empty cell."""
    try:
        return float(view.fields[column].config.default_val or 0)
    except (KeyError, ValueError):
        return 0.0
