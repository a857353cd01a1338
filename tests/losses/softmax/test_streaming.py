"""The streaming estimate of item frequencies against its recurrence and against true shares."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.losses.softmax.streaming import StreamingFrequency


def estimate(batches: list[list[str]], ask: list[str], rate: float = 0.1) -> np.ndarray:
    streaming = StreamingFrequency(buckets=1 << 16, rate=rate)
    update = tf.function(streaming.update, reduce_retracing=True)
    for batch in batches:
        update(tf.constant(batch, tf.string))
    return streaming(tf.constant(ask)).numpy()


def recurrence(rows: list[str], item: str, rate: float) -> float:
    """Algorithm 2 at batches of one row, begun by the mean of the first occurrences."""
    last, interval, seen = 0, 0.0, 0
    for row, name in enumerate(rows, 1):
        if name == item:
            seen += 1
            weight = max(rate, 1 / seen)
            interval += weight * (row - last - interval)
            last = row
    return 1 / interval


def test_one_row_at_a_time_is_the_papers_recurrence() -> None:
    rows = [f"商品{n}" for n in np.random.default_rng(2).integers(0, 4, 60)]
    names = [f"商品{n}" for n in range(4)]
    found = estimate([[row] for row in rows], names)
    np.testing.assert_allclose(found, [recurrence(rows, name, 0.1) for name in names], rtol=1e-4)


@pytest.mark.parametrize("rows", [1, 16, 200])
def test_shares_are_found_whatever_the_batch(rows: int) -> None:
    """Popular items stand many times in a batch; the mean over items is within 5 %."""
    rng = np.random.default_rng(3)
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    drawn = rng.choice(4, (4000 // rows, rows), p=shares).astype(str).tolist()
    found = estimate(drawn, ["0", "1", "2", "3"], rate=0.005)
    np.testing.assert_allclose(found, shares, rtol=0.25)
    assert np.mean(found / shares) == pytest.approx(1, abs=0.1)


def test_a_change_of_popularity_is_followed() -> None:
    before, after = [["a"] * 9 + ["b"]] * 60, [["b"] * 9 + ["a"]] * 60
    np.testing.assert_allclose(estimate(before + after, ["a", "b"]), [0.1, 0.9], rtol=0.1)


def test_an_id_never_seen_counts_as_one_row() -> None:
    np.testing.assert_allclose(estimate([["a", "b"], ["a", "c"]], ["z"]), [0.25])
    np.testing.assert_allclose(estimate([], ["z"]), [1.0])


def test_numbers_and_their_text_are_one_id() -> None:
    streaming = StreamingFrequency(1 << 10, 0.1)
    streaming.update(tf.constant([2**62, 5, 5, 5], tf.int64))
    np.testing.assert_allclose(streaming(tf.constant(["5", str(2**62)])), [0.75, 0.25])
