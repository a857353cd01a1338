"""Data sets whose elements Python makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from easyrec_lite.core.allocator import keep_on


def generated(make: Callable[..., Iterator[Any]], signature: Any, *args: tf.Tensor) -> Any:
    """Returns the data set of what `make` yields.

    Args:
      make: from arrays to the elements, as arrays.
      signature: the nest of an element's specs.
      args: what `make` is given, as arrays, whenever the data set is read.
    """

    def begun(*arrays: Any) -> Iterator[Any]:
        # From Python 3.11 on the first of these data sets in a process lets TensorFlow set
        # M_MMAP_THRESHOLD to 128 KB, and each larger tensor would come from cleared pages.
        keep_on()
        yield from make(*arrays)

    return tf.data.Dataset.from_generator(begun, args=args, output_signature=signature)
