"""The arithmetic and the traffic of a training step, counted from a model and one batch."""

from __future__ import annotations

from typing import Any

# Forward, gradient of the input, gradient of the weights.
PASSES = 3
FLOAT = 4
# What an optimiser by rows reads of a row of its own (two moments), and what it writes.
SLOTS_READ, ROWS_WRITTEN = 2, 3


def work(model: Any, batch: Any) -> dict[str, float]:
    """Returns what one step must do.

    Returns:
      `flops` of the matrix products: each kernel with each row that passes through its tower, and
      a listwise model's scores, forward and backward; `exponentials` of the softmax;
      `gathered` and `scattered`: bytes of table rows read and written, each id's row once in the
      forward pass, each distinct row with its two moments once in the update;
      `dense` bytes of the weights outside the tables that the optimiser reads and writes.
    """
    kernels = {name: v for name, v in model.trainable.items() if name not in model.tables}
    count = _sequence if hasattr(model.params, "max_seq_len") else _towers
    flops, logits = count(model, batch, kernels)
    dense = sum(variable.shape.num_elements() for variable in kernels.values())
    return {
        "flops": PASSES * 2.0 * flops,
        "exponentials": float(logits),
        "dense": float(dense * FLOAT * 7),
        **_rows(model, batch),
    }


def _towers(model: Any, batch: Any, kernels: dict[str, Any]) -> tuple[float, int]:
    """Returns multiplications of the forward pass, and logits of a softmax over candidates."""
    rows = int(next(iter(batch.labels.values())).shape[0])
    sampled = int(next(iter(batch.negatives.values()))[0].shape[0]) if batch.negatives else 0
    columns = rows + sampled
    flops = 0.0
    for name, variable in kernels.items():
        if variable.shape.rank and variable.shape.rank >= 2:
            passing = columns if "item" in name else rows
            flops += float(variable.shape.num_elements()) * passing * _uses(name, variable)
    if not model.candidate_groups:
        return flops, 0
    _, interests, width = model.user_vectors(batch.features).vectors.shape
    return flops + rows * columns * interests * width, rows * columns


def _sequence(model: Any, batch: Any, kernels: dict[str, Any]) -> tuple[float, int]:
    """Returns the same for an encoder of histories.

    Each step passes through each kernel, and has a logit for each item. It attends to itself and to
    the steps before it; the exponentials of that are counted, too.
    """
    params, (item,) = model.params, model.embeddings.groups["item"]
    lengths = batch.features["history"].ids[:, -params.max_seq_len :].row_lengths().numpy() + 1.0
    steps, pairs = int(lengths.sum()), float((lengths * (lengths + 1) / 2).sum())
    passed = sum(v.shape.num_elements() for v in kernels.values() if v.shape.rank == 2)
    attention = 2 * pairs * item.dim * params.num_layers
    logits = steps * item.rows
    exponentials = logits + int(pairs) * params.num_heads * params.num_layers
    return passed * steps + attention + logits * item.dim, exponentials


def _uses(name: str, variable: Any) -> int:
    """How often a kernel is used for a row: a CIN's filter for each number of a vector."""
    return 16 if "cin" in name else 1


def _rows(model: Any, batch: Any) -> dict[str, float]:
    """Returns the bytes of table rows that a step reads and writes."""
    import tensorflow as tf

    gathered = scattered = 0.0
    for group, specs in model.embeddings.groups.items():
        for spec in (spec for spec in specs if spec.rows):
            values = [batch.features[spec.name]]
            if group in model.candidate_groups and spec.name in batch.negatives:
                values.append(batch.negatives[spec.name])
            ids = tf.concat([_flat(value.ids) for value in values], axis=0)
            unique = int(tf.size(tf.unique(ids).y))
            row = spec.dim * FLOAT
            gathered += (int(tf.size(ids)) + SLOTS_READ * unique) * row
            scattered += ROWS_WRITTEN * unique * row
    return {"gathered": gathered, "scattered": scattered}


def _flat(ids: Any) -> Any:
    import tensorflow as tf

    flat = ids.flat_values if isinstance(ids, tf.RaggedTensor) else ids
    return tf.boolean_mask(flat, flat >= 0)
