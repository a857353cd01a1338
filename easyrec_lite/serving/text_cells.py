"""Text cells as values of their fields' types, none of which fails: in a graph, for serving."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.columns import BOOLEANS, InputField
from easyrec_lite.features.columns import number_pattern

BITS = {"INT32": 32, "INT64": 64}


def parsed_cells(field: InputField, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the values [B] of cells, and which are values of the field's type, bool [B].

    An empty cell, and one that is no value, has the field's default.
    """
    default = tf.constant(field.default, field.dtype)
    empty = texts == ""
    if field.type == "STRING":
        return tf.where(empty, default, texts), tf.fill(tf.shape(texts), True)
    if field.type == "BOOL":
        values, met = _booleans(texts)
    else:
        values, met = _numbers(field, texts)
    return tf.where(met, values, default), met | empty


def _booleans(texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    words = tf.strings.lower(tf.strings.strip(texts))
    true, false = (
        tf.reduce_any([words == word for word, value in BOOLEANS.items() if value is side], axis=0)
        for side in (True, False)
    )
    return true, true | false


def _numbers(field: InputField, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    pattern = integers(BITS[field.type]) if field.whole else number_pattern()
    met = tf.strings.regex_full_match(texts, pattern)
    plain = tf.strings.regex_replace(tf.where(met, texts, "0"), r"^\s*\+", "")
    values = tf.strings.to_number(plain, field.dtype)
    return (values, met) if field.whole else (values, met & tf.math.is_finite(values))


def integers(bits: int) -> str:
    """Returns a regular expression of the integers of so many bits, signed."""
    most = 1 << (bits - 1)
    return rf"\s*(\+?0*({_at_most(most - 1)})|-0*({_at_most(most)}))\s*"


def _at_most(most: int) -> str:
    """Returns a regular expression of the decimal numbers from 0 to `most`, without zeros before.

    Example:
      >>> _at_most(325)
      '[0-9]{1,2}|[0-2][0-9]{2}|3[0-1][0-9]{1}|32[0-4]|325'
    """
    digits = str(most)
    shorter = [f"[0-9]{{1,{len(digits) - 1}}}"]
    for at, digit in enumerate(digits):
        if digit != "0":
            rest = len(digits) - at - 1
            more = f"[0-9]{{{rest}}}" if rest else ""
            shorter.append(f"{digits[:at]}[0-{int(digit) - 1}]{more}")
    return "|".join([*shorter, digits])
