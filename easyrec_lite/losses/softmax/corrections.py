"""What training changes in the logits of a row's candidates: logQ, and the hardest negatives.

logQ after Bengio and Senécal, Adaptive importance sampling to accelerate training of a neural
probabilistic language model, 2008, and Yi et al., Sampling-bias-corrected neural modeling for
large corpus item recommendations, RecSys 2019; both ways to come in, after Yang et al., Mixed
negative sampling for learning two-tower neural networks in recommendations, WWW 2020.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

# No candidate is taken to come up more seldom than so many times in the lists of a row.
LEAST_COUNT = 1e-7


class Corrections(NamedTuple):
    """What happens to N logits of a row before the softmax.

    Attributes:
      log_counts: float32 [N], subtracted from the logits; None: nothing is.
      of_positive: whether it is subtracted from the positive's logit too.
      hardest: of each row's negatives that are not masked, only those compete whose logit is at
        least the `hardest`-th largest, so that ties with that one compete too; 0: all.
    """

    log_counts: tf.Tensor | None = None
    of_positive: bool = True
    hardest: int = 0


def log_expected_counts(
    frequencies: tf.Tensor,
    inclusions: tf.Tensor,
    rows: tf.Tensor,
    in_batch: bool,
    all_rows: tf.Tensor | None = None,
    draws: int = 1,
) -> tf.Tensor:
    """Returns log of how often an item is expected among the candidates of another item's row.

    `(B' − 1)·p + r·(1 − p)^(B − 1)·π`: as the item of another row, and as a sampled one, which it
    can be only in a batch that does not hold it. Where only sampled items compete it is r·π: that
    the sampler passes over the items of other rows is not corrected, since the most popular ones,
    then hardly ever a negative, would get corrections without measure.

    Args:
      frequencies: float32 [N], p: the share of training rows that hold the item.
      inclusions: float32 [N], π: the probability that the sampler draws the item for a batch
        that does not hold it.
      rows: B.
      in_batch: whether other rows' items are candidates.
      all_rows: B', the rows whose items are candidates, where other replicas' are too; None: B.
      draws: r, the replicas whose sampled items are candidates, each drawn for a batch of its own.
    """
    counts = inclusions * float(draws)
    if in_batch:
        others = tf.cast((rows if all_rows is None else all_rows) - 1, tf.float32)
        own = tf.cast(rows - 1, tf.float32)
        absent = tf.exp(own * tf.math.log1p(-tf.minimum(frequencies, 1.0 - 1e-6)))
        counts = others * frequencies + absent * counts
    return tf.math.log(tf.maximum(counts, LEAST_COUNT))


def hardest(logits: tf.Tensor, positives: tf.Tensor, count: int) -> tf.Tensor:
    """Returns the logits, −inf for negatives below the row's `count`-th largest.

    Args:
      logits: float32 [b, N], −inf for masked candidates.
      positives: int32 [b, 2], where each row's positive stands; it always competes.
      count: at least 1.
    """
    own = tf.gather_nd(logits, positives)
    negatives = tf.tensor_scatter_nd_update(
        logits, positives, tf.fill(tf.shape(own), -float("inf"))
    )
    largest = tf.math.top_k(negatives, tf.minimum(count, tf.shape(logits)[1]), sorted=True).values
    kept = tf.where(negatives < largest[:, -1:], float("-inf"), negatives)
    return tf.tensor_scatter_nd_update(kept, positives, own)
