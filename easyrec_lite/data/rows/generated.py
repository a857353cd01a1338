"""Data sets whose elements are made by Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from easyrec_lite.core.allocator import keep_on


def generated(make: Callable[..., Iterator[Any]], signature: Any, *args: tf.Tensor) -> Any:
    """Returns the data set of what `make` yields.

    Args:
      make: arrays → the elements, as nests of arrays.
      signature: the nest of an element's specs.
      args: the arguments of `make`, which gets them as arrays whenever the data set is read.
    """

    def begun(*arrays: Any) -> Iterator[Any]:
        # From Python 3.11 on, the first of these data sets in a process makes TensorFlow set
        # M_MMAP_THRESHOLD to 128 KB: then the system would clear the pages of each larger tensor.
        keep_on()
        yield from make(*arrays)

    return tf.data.Dataset.from_generator(begun, args=args, output_signature=signature)
