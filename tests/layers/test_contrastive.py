"""SeqAugment and AuxiliaryLoss: what they change, and the losses in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.layers.auxiliary_loss.layer import AuxiliaryLoss
from easyrec_lite.layers.sequence_augment.layer import SeqAugment

LENGTHS = np.array([0, 1, 2, 5, 9, 9, 7])
ROWS = 20 * len(LENGTHS)
OFF = {"mask_rate": 0.0, "crop_rate": 1.0, "reorder_rate": 0.0}


def augmented(seed: int = 3, **rates: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the vector of masked steps, the steps of rows [1, 1], [2, 2], …, and lengths."""
    lengths = np.tile(LENGTHS, 20)
    real = np.arange(9) < lengths[:, None]
    steps = np.where(real[:, :, None], np.arange(1, 10, dtype="f")[:, None], 0) * np.ones(2, "f")
    layer = SeqAugment(**{**OFF, **rates}, seed=seed, name="layer")
    found, size = layer([tf.constant(steps), tf.constant(lengths)], training=True)
    mask = layer.trainable_weights[0].numpy()[0]
    assert not np.asarray(found)[np.arange(9) >= np.asarray(size)[:, None]].any()
    return mask, np.asarray(found), np.asarray(size)


@pytest.mark.parametrize("rate", [0.3, 0.6, 1.0])
def test_a_share_of_the_steps_is_masked(rate: float) -> None:
    mask, steps, sizes = augmented(mask_rate=rate)
    np.testing.assert_array_equal(sizes, np.tile(LENGTHS, 20))
    places = set()
    for row, size in zip(steps, sizes, strict=True):
        masked = (row[:size] == mask).all(-1)
        assert masked.sum() == int(np.float32(size) * np.float32(rate))
        np.testing.assert_array_equal(row[:size][~masked, 0], np.arange(1, size + 1)[~masked])
        places |= {(int(size), int(place)) for place in np.flatnonzero(masked)}
    assert {place for size, place in places if size == 9} == set(range(9))


@pytest.mark.parametrize("rate", [0.0, 0.4, 0.6])
def test_a_crop_keeps_a_run_of_steps(rate: float) -> None:
    _, steps, sizes = augmented(crop_rate=rate)
    starts = set()
    for row, size, before in zip(steps[:, :, 0], sizes, np.tile(LENGTHS, 20), strict=True):
        assert size == int(np.float32(before) * np.float32(rate))
        if size:
            np.testing.assert_array_equal(np.diff(row[:size]), np.ones(size - 1))
            starts.add((int(before), int(row[0])))
            assert row[size - 1] <= before
    if rate:
        kept = int(np.float32(9) * np.float32(rate))
        assert {start for before, start in starts if before == 9} == set(range(1, 11 - kept))


@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_a_window_of_the_steps_is_shuffled(rate: float) -> None:
    _, steps, sizes = augmented(reorder_rate=rate)
    np.testing.assert_array_equal(sizes, np.tile(LENGTHS, 20))
    moved = set()
    for row, size in zip(steps[:, :, 0], sizes, strict=True):
        np.testing.assert_array_equal(np.sort(row[:size]), np.arange(1, size + 1))
        changed = np.flatnonzero(row[:size] != np.arange(1, size + 1))
        if changed.size:
            assert changed[-1] - changed[0] < int(np.float32(size) * np.float32(rate))
        moved |= set(changed.tolist())
    assert moved == set(range(9))


def test_each_row_is_changed_in_one_way_and_all_ways_occur() -> None:
    mask, steps, sizes = augmented(mask_rate=0.4, crop_rate=0.5, reorder_rate=0.9)
    ways = []
    for row, size, before in zip(steps, sizes, np.tile(LENGTHS, 20), strict=True):
        masked = (row[:size] == mask).all(-1).any()
        order = (np.diff(row[:size, 0]) != 1).any() and not masked
        ways.append((size < before, masked, order))
        assert sum(ways[-1]) <= 1
    assert np.asarray(ways).sum(0).min() > 10


def test_draws_follow_from_the_seed_and_differ_from_step_to_step() -> None:
    rates = {"mask_rate": 0.4, "crop_rate": 0.5, "reorder_rate": 0.9}
    one, again, other = (augmented(seed, **rates)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    layer = SeqAugment(name="layer")
    inputs = [tf.reshape(tf.range(40.0), [2, 10, 2]), tf.constant([10, 10])]
    first, second = (layer(inputs, training=True)[0].numpy() for _ in range(2))
    assert not np.array_equal(first, second)


def test_nothing_is_changed_out_of_training_or_without_rates() -> None:
    inputs = [tf.ones([2, 3, 4]), tf.constant([3, 1], tf.int64)]
    for layer, training in ((SeqAugment(), False), (SeqAugment(**OFF), True)):
        steps, lengths = layer(inputs, training=training)
        np.testing.assert_array_equal(steps, inputs[0])
        np.testing.assert_array_equal(lengths, inputs[1])


def test_no_rows() -> None:
    steps, lengths = SeqAugment()([tf.ones([0, 1, 4]), tf.zeros([0], tf.int64)], training=True)
    assert (steps.shape, lengths.shape, lengths.dtype) == ((0, 1, 4), (0,), tf.int64)


def cross_entropy(logits: np.ndarray, right: int) -> float:
    return float(np.log(np.exp(logits).sum()) - logits[right])


@pytest.mark.parametrize("rows", [1, 5])
def test_losses(rows: int) -> None:
    a, b = np.random.default_rng(1).normal(size=(2, rows, 4))
    inputs = [tf.constant(each, tf.float32) for each in (a, b)]
    z = np.concatenate([a, b]) @ np.concatenate([a, b]).T / 0.5
    nce = []
    for i in range(2 * rows):
        others = [j for j in range(2 * rows) if j != i]
        nce.append(cross_entropy(z[i, others], others.index((i + rows) % (2 * rows))))
    expected = {
        "l2_loss": np.square(a - b).sum(-1).mean(),
        "info_nce": np.mean([cross_entropy(a[i] @ b.T / 0.5, i) for i in range(rows)]),
        "nce_loss": np.mean(nce),
    }
    for kind, value in expected.items():
        layer = AuxiliaryLoss(kind, loss_weight=0.3, temperature=0.5)
        np.testing.assert_allclose(layer(inputs), 0.3 * value, rtol=1e-5, atol=1e-6)
        assert float(layer([tf.zeros([0, 4])] * 2)) == 0


def test_losses_compare_two_vectors_of_one_width() -> None:
    for inputs in (tf.ones([2, 3]), [tf.ones([2, 3])], [tf.ones([2, 3]), tf.ones([2, 4])]):
        with pytest.raises(ConfigError):
            AuxiliaryLoss("info_nce")(inputs)
    with pytest.raises(ConfigError):
        SeqAugment()(tf.ones([2, 3, 4]))


@pytest.mark.parametrize(
    ("name", "arguments", "path", "severity"),
    [
        ("AuxiliaryLoss", {}, "", "error"),
        ("AuxiliaryLoss", {"loss_type": "nce"}, "loss_type", "error"),
        ("AuxiliaryLoss", {"loss_type": "info_nce", "temperature": 0}, "temperature", "error"),
        ("AuxiliaryLoss", {"loss_type": "l2_loss", "loss_weight": -1}, "loss_weight", "error"),
        ("SeqAugment", {"mask_rate": 1.5}, "mask_rate", "error"),
        ("SequenceAugment", {"crop_rate": -0.1}, "crop_rate", "error"),
        ("SeqAugment", OFF, "", "warning"),
    ],
)
def test_wrong_arguments(name: str, arguments: dict[str, Any], path: str, severity: str) -> None:
    (problem,) = LAYERS.spec(name).check(arguments)
    assert (problem.path, problem.severity) == (path, severity)
