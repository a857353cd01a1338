"""Variables that the regular expressions of a config match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import tensorflow as tf


def matching(names: Iterable[str], patterns: Sequence[str]) -> set[str]:
    """Returns the names that one of the patterns matches somewhere.

    TensorFlow's own RE2 matches in linear time, so that no pattern can hang a run.
    """
    if not patterns:
        return set()
    listed = tf.constant(list(names), tf.string)
    matches = [tf.strings.regex_full_match(listed, f"(?s).*(?:{each}).*") for each in patterns]
    return {
        name.decode()
        for name, *flags in zip(listed.numpy(), *(each.numpy() for each in matches), strict=True)
        if any(flags)
    }
