"""Raw columns to texts, pieces and numbers: steps shared by the kinds of features.

A column is a tensor [B] or [B, L], or a ragged tensor [B, (L)] (a list column), of strings or
numbers. Symbols: B rows, L pieces in a row, N values in all, D width.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import TypeAlias

import tensorflow as tf

from easyrec_lite.checks.features import Feature

Column: TypeAlias = "tf.Tensor | tf.RaggedTensor"

# What cells must be, and which do: bool [N].
Met: TypeAlias = tuple[str, tf.Tensor]

DECIMAL = r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*"
HEXADECIMAL = r"\s*[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)([pP][+-]?[0-9]+)?\s*"
WHOLE_HEXADECIMAL = r"\s*[+-]?0[xX][0-9a-fA-F]+\s*"


@functools.cache
def number_pattern() -> str:
    """Returns a regular expression of texts that `tf.strings.to_number` reads but infinity and NaN.

    TensorFlow 2.16 reads 0x10, but not 0x1p3.
    """
    with tf.init_scope():
        try:
            tf.strings.to_number("0x1p3")
        except tf.errors.InvalidArgumentError:
            return f"{DECIMAL}|{WHOLE_HEXADECIMAL}"
    return f"{DECIMAL}|{HEXADECIMAL}"


def single(feature: Feature, column: Column) -> tf.Tensor:
    """Returns a column [B] as it is.

    Raises:
      ConfigError: it holds lists.
    """
    if isinstance(column, tf.RaggedTensor) or column.shape.rank != 1:
        raise feature.error(
            f"a {feature.kind} reads one value a row",
            "input_names",
            found=f"a column of lists, shape {column.shape}",
            remedy="make it a TagFeature or a SequenceFeature",
        )
    return column


def text(feature: Feature, values: tf.Tensor) -> tf.Tensor:
    """Returns values of any type [N] as strings [N]: integers in decimal, floats by `precision`.

    Raises:
      ConfigError: floats, and the config sets no `precision`.
    """
    if values.dtype == tf.string:
        return values
    if not values.dtype.is_floating:
        return tf.strings.as_string(values)
    if feature.config.precision < 0:
        raise feature.error(
            "a floating-point column becomes text only with a number of decimals",
            "precision",
            expected="precision: 0 or more",
            found=f"a {values.dtype.name} column and no precision",
            remedy="set precision, or make it a RawFeature with boundaries",
        )
    return tf.strings.as_string(values, precision=feature.config.precision)


def numbers(feature: Feature, values: tf.Tensor, dtype: tf.DType = tf.float32) -> tf.Tensor:
    """Returns values of any type as `dtype`, of the same shape; an empty text is 0.

    A text that is not a finite number raises `InvalidArgumentError`.
    """
    if values.dtype != tf.string:
        return tf.cast(values, dtype)
    message = f"feature {feature.name!r}: not a finite number"
    return tf.debugging.check_numerics(_numbers(feature, values, dtype), message)


def _numbers(feature: Feature, values: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    filled = tf.where(values == "", "0", values)
    return tf.strings.to_number(filled, dtype, name=f"number_of_{_op_name(feature.name)}")


def readable_numbers(
    feature: Feature, values: tf.Tensor, dtype: tf.DType = tf.float32
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns values [N] of any type as `dtype`, and which are finite numbers, bool [N].

    An empty text is 0, and so is what is no number at all.
    """
    if values.dtype == tf.string:
        written = (values == "") | tf.strings.regex_full_match(values, number_pattern())
        numbers = _numbers(feature, tf.where(written, values, "0"), dtype)
        return numbers, written & tf.math.is_finite(numbers)
    numbers = tf.cast(values, dtype)
    finite = tf.math.is_finite(numbers) if values.dtype.is_floating else values == values
    return numbers, finite


def number_cells(
    feature: Feature,
    values: tf.Tensor,
    what: str = "a cell",
    dtype: tf.DType = tf.float32,
) -> Iterator[Met]:
    """Yields that values [N] must be numbers; nothing where their type says so."""
    if values.dtype == tf.string or values.dtype.is_floating:
        yield f"{what} must be a finite number", readable_numbers(feature, values, dtype)[1]


def by_row(ragged: tf.RaggedTensor, met: tf.Tensor) -> tf.Tensor:
    """Returns which of B rows meet in all their values what the values meet: [N] → bool [B]."""
    unmet = tf.cast(~met, tf.int32)
    return tf.math.unsorted_segment_sum(unmet, ragged.value_rowids(), ragged.nrows()) == 0


def pieces(column: Column, separator: str, keep_empty: bool = False) -> tf.RaggedTensor:
    """Returns the pieces of each cell, ragged [B, (L)].

    Texts [B] are split at `separator`; the items of a list column are its pieces; a number is one.
    Empty pieces are left out, unless `keep_empty`: an empty text then has one piece, an empty list
    none.
    """
    if isinstance(column, tf.RaggedTensor):
        return column if keep_empty else _without_empty(column)
    if column.dtype == tf.string and column.shape.rank == 1:
        return _split(column, separator, keep_empty)
    if column.shape.rank == 1:
        each = tf.range(tf.size(column, out_type=tf.int64) + 1)
        return tf.RaggedTensor.from_row_splits(column, each, validate=False)
    ragged = tf.RaggedTensor.from_tensor(column)
    return ragged if keep_empty else _without_empty(ragged)


def _without_empty(ragged: tf.RaggedTensor) -> tf.RaggedTensor:
    return keep(ragged, ragged.values != "") if ragged.dtype == tf.string else ragged


def _split(texts: tf.Tensor, separator: str, keep_empty: bool) -> tf.RaggedTensor:
    if keep_empty or len(separator.encode()) > 1:
        cut = tf.strings.split(texts, separator)
        return cut if keep_empty else _without_empty(cut)
    # This op removes empty pieces itself, at a quarter of the cost. It treats each byte of a longer
    # delimiter as a separator of its own.
    cut = tf.raw_ops.StringSplit(input=texts, delimiter=separator, skip_empty=True)
    return tf.RaggedTensor.from_value_rowids(
        cut.values, cut.indices[:, 0], nrows=cut.shape[0], validate=False
    )


def keep(ragged: tf.RaggedTensor, mask: tf.Tensor) -> tf.RaggedTensor:
    """Returns `ragged` [B, (L)] without the values [N] whose `mask` is False."""
    kept = tf.concat([[0], tf.cumsum(tf.cast(mask, tf.int64))], axis=0)
    return tf.RaggedTensor.from_row_splits(
        tf.boolean_mask(ragged.values, mask), tf.gather(kept, ragged.row_splits), validate=False
    )


def newest(ragged: tf.RaggedTensor, length: int) -> tf.RaggedTensor:
    """Returns `ragged` [B, (L)] with the last `length` values of each row."""
    ends = tf.gather(ragged.row_limits(), ragged.value_rowids())
    return keep(ragged, ends - tf.range(ragged.row_splits[-1]) <= length)


def backwards(ragged: tf.RaggedTensor) -> tf.RaggedTensor:
    """Returns `ragged` [B, (L)] with the values of each row in the opposite order."""
    rows = ragged.value_rowids()
    both = tf.gather(ragged.row_starts(), rows) + tf.gather(ragged.row_limits(), rows)
    return ragged.with_values(tf.gather(ragged.values, both - 1 - tf.range(ragged.row_splits[-1])))


def truncate(ragged: tf.RaggedTensor, length: int) -> tf.RaggedTensor:
    """Returns `ragged` [B, (L)] with the first `length` values of each row."""
    position = tf.range(ragged.row_splits[-1]) - tf.gather(
        ragged.row_starts(), ragged.value_rowids()
    )
    return keep(ragged, position < length)


def pair_separator(feature: Feature) -> str:
    """Returns what stands between the two sides of a pair."""
    return feature.config.kv_separator or ":"


def readable_pairs(feature: Feature, entries: tf.Tensor) -> tuple[tf.Tensor, Met]:
    """Returns the entries [N] with `0:0` for what is no pair, and that they must be pairs."""
    separator = pair_separator(feature)
    met = tf.strings.split(entries, separator).row_lengths() == 2
    return tf.where(met, entries, f"0{separator}0"), (_pair_message(feature), met)


def _pair_message(feature: Feature) -> str:
    return f"every entry must be KEY{pair_separator(feature)}VALUE"


def pairs(feature: Feature, entries: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the two sides [N] of `key:value` texts [N], cut at `kv_separator` (unset: `:`).

    An entry that is not such a pair raises `InvalidArgumentError`.
    """
    separator = pair_separator(feature)
    cut = tf.strings.split(entries, separator)
    message = f"feature {feature.name!r}: {_pair_message(feature)}"
    with tf.control_dependencies(
        [tf.debugging.assert_equal(cut.row_lengths(), tf.constant(2, tf.int64), message)]
    ):
        both = tf.reshape(cut.values, [-1, 2])
    return both[:, 0], both[:, 1]


def vectors(feature: Feature, column: Column, separator: str) -> tf.Tensor:
    """Returns the numbers of each cell, float32 [B, D] with D = `raw_input_dim`.

    An empty cell is all zeros; any other number of numbers than D raises `InvalidArgumentError`.
    """
    dim = feature.config.raw_input_dim
    if not isinstance(column, tf.RaggedTensor) and column.shape.rank == 1 and dim == 1:
        return numbers(feature, column)[:, tf.newaxis]
    cells = pieces(column, separator)
    lengths = cells.row_lengths()
    right = tf.reduce_all((lengths == dim) | (lengths == 0))
    message = f"feature {feature.name!r}: a cell must hold {dim} numbers, or none; found"
    with tf.control_dependencies([tf.debugging.Assert(right, [message, lengths], summarize=20)]):
        made = cells.with_values(numbers(feature, cells.values)).to_tensor(shape=[None, dim])
    return tf.ensure_shape(made, [None, dim])


def vector_cells(feature: Feature, column: Column, separator: str) -> Iterator[Met]:
    """Yields what the cells [B] of `vectors` must be, and which of them are."""
    dim = feature.config.raw_input_dim
    if not isinstance(column, tf.RaggedTensor) and column.shape.rank == 1 and dim == 1:
        yield from number_cells(feature, column)
        return
    cells = pieces(column, separator)
    lengths = cells.row_lengths()
    yield f"a cell must hold {dim} numbers, or none", (lengths == dim) | (lengths == 0)
    for message, met in number_cells(feature, cells.values, "each"):
        yield message, by_row(cells, met)


def emptied(column: Column, kept: tf.Tensor, default: object) -> Column:
    """Returns a column with `default`, or an empty list, in the rows where `kept` [B] is False.

    Without a default that is an empty text, or 0.
    """
    if isinstance(column, tf.RaggedTensor):
        return keep(column, tf.gather(kept, column.value_rowids()))
    empty = tf.zeros([], column.dtype)
    if column.dtype == tf.string and not isinstance(default, bytes):  # lists of numbers as text
        default = None
    if column.shape.rank > 1:
        return tf.where(kept[:, tf.newaxis], column, empty)
    return tf.where(kept, column, empty if default is None else tf.constant(default, column.dtype))


def _op_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]", "_", name)
