"""TextEncoder: texts as tokens between markers, encoded by transformer layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.checks.vocabulary import read_tokens
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.layers.shapes import is_list, refuse
from easyrec_lite.layers.transformer.encoder import TransformerEncoder
from easyrec_lite.layers.transformer.spec import MARKERS


@LAYERS.implement("TextEncoder")
class TextEncoder(keras.layers.Layer):
    """Encodes texts as the vector of `[CLS]` in `[CLS] text [SEP] text [SEP] …`.

    List of token ids int [B, L] and a boolean mask [B, L] of each text → [B, hidden_size]. The
    markers have the ids that features give them as tokens: their places in the vocabulary, 0 if it
    lacks them; without one their hashes, as of a feature with `hash_bucket_size: vocab_size`.

    Args:
      transformer: arguments of `TransformerEncoder`.
      vocab_file: the file of tokens; "" for hashed ones.
      seed: source of the seeds of initialisers and dropout.
      name: the layer's name.

    Example:
      >>> layer = TextEncoder({"hidden_size": 8, "num_attention_heads": 2, "vocab_size": 10})
      >>> layer([tf.constant([[3, 5, 0]]), tf.constant([[True, True, False]])]).shape.as_list()
      [1, 8]
    """

    def __init__(
        self,
        transformer: Mapping[str, Any],
        vocab_file: str = "",
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        arguments = {**transformer, "output_all_token_embeddings": False}
        own_seed = derive_seed(seed, f"{self.name}/transformer")
        self._encoder = TransformerEncoder(**arguments, seed=own_seed, name="transformer")
        self._markers = _marker_ids(vocab_file, transformer["vocab_size"])

    @property
    def kernels(self) -> list[keras.Variable]:
        """The kernels of the transformer layers. Requires a built layer."""
        return self._encoder.kernels

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Returns None: the result has no steps."""

    def build(self, input_shape: Any) -> None:
        """Creates the weights.

        Raises:
          ConfigError: the input is not made of ids and a mask for each text.
        """
        if not is_list(input_shape) or len(input_shape) % 2:
            raise refuse(self.name, "[token ids, mask] of each text, as of raw_input", input_shape)
        self._encoder.build([(None, None), (None, None)])
        self.built = True

    def call(self, inputs: Sequence[tf.Tensor], training: bool = False) -> tf.Tensor:
        """Returns the vector of `[CLS]`."""
        texts = list(zip(inputs[::2], inputs[1::2], strict=True))
        rows = tf.shape(inputs[0])[0]
        first, end = (_of_each_row(marker, rows) for marker in self._markers)
        parts = [first]
        for ids, real in texts:
            parts += [tf.ragged.boolean_mask(tf.cast(ids, tf.int64), real), end]
        tokens = tf.concat(parts, axis=1)
        ids = tf.pad(tokens.to_tensor(), [[0, 0], [0, tf.cast(rows == 0, tf.int32)]])
        real = tf.sequence_mask(tokens.row_lengths(), tf.shape(ids)[1])
        return self._encoder([ids, real], training=training)


def _marker_ids(vocab_file: str, vocab_size: int) -> list[int]:
    """Returns the ids of both markers."""
    if not vocab_file:
        hashed: list[int] = tf.strings.to_hash_bucket_fast(MARKERS, vocab_size).numpy().tolist()
        return hashed
    tokens = read_tokens(vocab_file) or ()
    return [tokens.index(marker) if marker in tokens else 0 for marker in MARKERS]


def _of_each_row(token: int, rows: tf.Tensor) -> tf.RaggedTensor:
    """Returns a token as the only one of each row, ragged [B, (1)]."""
    return tf.RaggedTensor.from_tensor(tf.fill([rows, 1], tf.constant(token, tf.int64)))
