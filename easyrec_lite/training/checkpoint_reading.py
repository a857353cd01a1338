"""What a checkpoint holds: shapes, values, the fingerprint of its config."""

from __future__ import annotations

import re

import tensorflow as tf

from easyrec_lite.checks.fingerprint import Fingerprint
from easyrec_lite.core.errors import Place, Problem, RunError, plain_words

_ATTRIBUTE = "/.ATTRIBUTES/VARIABLE_VALUE"
_ROOT = "variables/"
# The key of the config's fingerprint, and all keys that hold no variable.
FINGERPRINT = "fingerprint"
_BOOKKEEPING = {FINGERPRINT + _ATTRIBUTE, "save_counter" + _ATTRIBUTE}
# What TensorFlow raises for a damaged checkpoint, depending on the damage.
UNREADABLE = (tf.errors.OpError, OSError, ValueError, IndexError, RuntimeError)


def variable_shapes(prefix: str) -> dict[str, tuple[int, ...]]:
    """Returns variable name → shape of a checkpoint, of this package or another.

    Raises:
      RunError: it cannot be read.
    """
    try:
        listed = tf.train.list_variables(prefix)
    except UNREADABLE as error:
        raise RunError(unreadable(prefix, error)) from error
    shapes = {_plain(name): tuple(shape) for name, shape in listed}
    return {name: shape for name, shape in shapes.items() if name}


def read_variables(prefix: str, names: list[str]) -> dict[str, tf.Tensor]:
    """Returns the values of the named variables of a checkpoint.

    Raises:
      RunError: it cannot be read.
    """
    try:
        reader = tf.train.load_checkpoint(prefix)
        keys = {_plain(key): key for key in reader.get_variable_to_shape_map()}
        return {name: reader.get_tensor(keys[name]) for name in names}
    except UNREADABLE as error:
        raise RunError(unreadable(prefix, error)) from error


def stored_fingerprint(prefix: str) -> Fingerprint | None:
    """Returns the fingerprint in a checkpoint; None if it has none, as those of other packages.

    Raises:
      RunError: the checkpoint cannot be read.
    """
    try:
        reader = tf.train.load_checkpoint(prefix)
        if not reader.has_tensor(FINGERPRINT + _ATTRIBUTE):
            return None
        text = reader.get_tensor(FINGERPRINT + _ATTRIBUTE)
    except UNREADABLE as error:
        raise RunError(unreadable(prefix, error)) from error
    return Fingerprint.of_text(text.decode())


def _plain(key: str) -> str:
    """Returns the variable's name in a key of TensorFlow's object graph; "" for bookkeeping."""
    if key.startswith("_CHECKPOINTABLE") or key in _BOOKKEEPING:
        return ""
    name = key.removesuffix(_ATTRIBUTE)
    if name == key:
        return name
    return re.sub(r"\.([S.])", _unescape, name.removeprefix(_ROOT))


def _unescape(match: re.Match[str]) -> str:
    return "/" if match[1] == "S" else "."


def unreadable(prefix: str, error: Exception) -> Problem:
    """Returns the problem that a checkpoint cannot be read."""
    return Problem(
        "the checkpoint cannot be read",
        Place(prefix),
        found=plain_words(error),
        remedy="it is damaged or incomplete; use an older one",
    )
