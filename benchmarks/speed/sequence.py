"""SequenceMatch as one would write it by hand, in Keras and in PyTorch, beside ours."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

from benchmarks.speed.bench import Bench
from benchmarks.speed.naive import compared
from benchmarks.speed.rows import SEQUENCE
from benchmarks.speed.worker import Numbers

TITLE = "sequence: hand-written steps of the Transformer over histories, taking turns with ours"
NOTES = (
    "histories as long as MovieLens-1M's, every step trained, softmax over the catalogue; the same "
    "batches in memory for all but the first; the hand-written ones pad each batch to its longest; "
    "ratio: our speed on batches in memory by theirs, turn by turn"
)


def run(bench: Bench) -> Iterator[Numbers]:
    """Yields a line an implementation."""
    jobs = {"keras fit": "sequence_keras:job"}
    if importlib.util.find_spec("torch"):
        jobs["torch, TransformerEncoder"] = "sequence_torch:job"
    yield from compared(bench, SEQUENCE, jobs)


def padded(batch: Any, most: int) -> tuple[Any, Any, Any]:
    """Returns inputs, targets and lengths of a batch's rows.

    An input is 1 for the start, then the ids of the newest `most` items plus 2, and 0 after the
    end. A target is the id of the item that follows.

    Returns:
      int64 [B, L] inputs, int64 [B, L] targets, 0 after the end, and int64 [B] lengths.
    """
    import tensorflow as tf

    history = batch.features["history"].ids[:, -most:]
    own = batch.features["item_id"].ids[:, None]
    targets = tf.concat([history, own], axis=1)
    inputs = tf.concat([tf.fill([tf.shape(own)[0], 1], tf.constant(1, own.dtype)), history + 2], 1)
    return inputs.to_tensor().numpy(), targets.to_tensor().numpy(), targets.row_lengths().numpy()


def sizes(parts: Any) -> dict[str, Any]:
    """Returns what the hand-written models take from the config: items, D, layers, …"""
    params = parts.model.params
    (item,) = parts.model.embeddings.groups["item"]
    return {
        "items": item.rows,
        "width": item.dim,
        "most": params.max_seq_len,
        "layers": params.num_layers,
        "heads": params.num_heads,
        "dropout": params.hidden_dropout_prob,
    }
