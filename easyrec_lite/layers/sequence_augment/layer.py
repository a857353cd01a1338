"""SeqAugment: masks, crops or reorders the steps of each sequence at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.layers.shapes import is_list, refuse

MASK, CROP, REORDER = range(3)


@LAYERS.implement("SeqAugment", "SequenceAugment")
class SeqAugment(keras.layers.Layer):
    """Changes each sequence in one of the ways that are enabled, drawn anew for each row.

    List of steps [B, L, D] and lengths int [B] → the same; unchanged out of training. With n =
    ⌊length · rate⌋: *mask* puts a learned vector in the place of n random steps; *crop* keeps n
    steps from a random one on; *reorder* shuffles n steps from a random one on. From CL4SRec
    (https://arxiv.org/abs/2010.14395).

    Args:
      mask_rate: share of masked steps; 0: rows are not masked.
      crop_rate: share of steps that a crop keeps; 1: rows are not cropped.
      reorder_rate: share of shuffled steps; 0: rows are not reordered.
      seed: source of the seeds of draws and initialiser.
      name: the layer's name.

    Example:
      >>> steps, lengths = SeqAugment()([tf.ones([2, 5, 4]), tf.constant([5, 1])], training=True)
      >>> steps.shape.as_list(), lengths.shape.as_list()
      ([2, 5, 4], [2])
    """

    # The result has lengths of its own: a mask of its steps follows these.
    gives_lengths: ClassVar[bool] = True

    def __init__(
        self,
        mask_rate: float = 0.6,
        crop_rate: float = 0.2,
        reorder_rate: float = 0.6,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._rates = {MASK: mask_rate, CROP: crop_rate, REORDER: reorder_rate}
        enabled = {MASK: mask_rate > 0, CROP: crop_rate < 1, REORDER: reorder_rate > 0}
        self._enabled = [way for way, given in enabled.items() if given]
        self._seed = derive_seed(seed, self.name)
        self._generator = keras.random.SeedGenerator(self._seed)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Returns None: the lengths tell which steps are real."""

    def build(self, input_shape: Any) -> None:
        """Creates the vector of masked steps.

        Raises:
          ConfigError: the inputs are no steps and lengths.
        """
        if not is_list(input_shape) or [len(shape) for shape in input_shape[:2]] != [3, 1]:
            raise refuse(self.name, "[steps, lengths], [B, L, D] and [B]", input_shape)
        start = initializer("glorot_uniform", self._seed, "mask")
        shape = (1, input_shape[0][2])
        self._mask = self.add_weight(name="mask", shape=shape, initializer=start)
        self.built = True

    def augments(self, training: bool) -> bool:
        """Returns whether sequences are changed."""
        return training

    def ways(self, rows: tf.Tensor) -> tf.Tensor:
        """Returns the way of each row, an index of the enabled ones, int32 [B]."""
        return keras.random.randint([rows], 0, len(self._enabled), "int32", self._generator)

    def starts(self, last: tf.Tensor) -> tf.Tensor:
        """Returns where the window of each row begins, from 0 to `last`, int32 [B]."""
        share = keras.random.uniform(tf.shape(last), seed=self._generator)
        return tf.minimum(tf.cast(share * tf.cast(last + 1, tf.float32), tf.int32), last)

    def keys(self, shape: tf.Tensor) -> tf.Tensor:
        """Returns numbers below 1 by which steps are ordered at random, float32 [B, L]."""
        return keras.random.uniform(shape, seed=self._generator)

    def call(self, inputs: Sequence[tf.Tensor], training: bool = False) -> list[tf.Tensor]:
        """Returns the steps, with zeros after the end, and the lengths."""
        steps, lengths = inputs[:2]
        if not self.augments(training) or not self._enabled:
            return [steps, lengths]
        shape = tf.shape(steps)[:2]
        way = tf.gather(tf.constant(self._enabled), self.ways(shape[0]))
        size = tf.cast(lengths, tf.int32)
        rate = tf.gather(tf.constant([self._rates[way] for way in sorted(self._rates)]), way)
        count = tf.cast(tf.floor(tf.cast(size, tf.float32) * rate), tf.int32)
        start, keys = self.starts(size - count)[:, None], self.keys(shape)

        places = tf.broadcast_to(tf.range(shape[1]), shape)
        window = (places >= start) & (places < start + count[:, None])
        shuffled = _sorted_places(keys, window)
        in_window = tf.gather(shuffled, tf.maximum(places - start, 0), batch_dims=1)
        way = way[:, None]
        source = tf.where((way == REORDER) & window, in_window, places)
        source = tf.where(way == CROP, tf.minimum(places + start, shape[1] - 1), source)
        moved = tf.gather(steps, source, batch_dims=1)

        first = _ranks(keys, tf.sequence_mask(size, shape[1])) < count[:, None]
        masked = tf.where(((way == MASK) & first)[:, :, None], self._mask.value, moved)
        size = tf.where(way[:, 0] == CROP, count, size)
        real = tf.sequence_mask(size, shape[1])[:, :, None]
        return [tf.where(real, masked, 0.0), tf.cast(size, lengths.dtype)]


def _sorted_places(keys: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Returns the places of a row by their keys, the chosen ones first, int32 [B, L]."""
    return tf.argsort(tf.where(chosen, keys, 2.0), stable=True)


def _ranks(keys: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Returns each place's position in that order, int32 [B, L]."""
    return tf.argsort(_sorted_places(keys, chosen))
