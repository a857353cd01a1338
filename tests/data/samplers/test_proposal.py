"""How likely an item is to be a candidate: counted in the data, and against real draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.config import ConfigSource, Pipeline
from easyrec_lite.data.samplers.draw import WeightedDraw
from easyrec_lite.data.samplers.inclusion import inclusion_probabilities
from easyrec_lite.data.samplers.proposal import (
    Frequencies,
    Proposal,
    count_frequencies,
    table_frequencies,
)
from easyrec_lite.losses.softmax.corrections import log_expected_counts
from easyrec_lite.protos.messages import DatasetConfig, EasyRecConfig
from easyrec_lite.training.input import open_proposal
from tests.data.samplers.test_samplers import data_config, ids, opened, samples, weighted


def test_ids_are_counted_across_parts_and_types() -> None:
    text = count_frequencies([tf.constant(["商品", "b", "b"]), tf.constant(["b", "c", "商品"])])
    np.testing.assert_allclose(text(tf.constant(["b", "商品", "c"])), [3 / 6, 2 / 6, 1 / 6])
    whole = count_frequencies([tf.constant([2**62, -3, 2**62], tf.int64)])
    np.testing.assert_allclose(whole(tf.constant([-3, 2**62], tf.int64)), [1 / 3, 2 / 3])
    np.testing.assert_allclose(whole(tf.constant(["-3"])), [1 / 3])


def test_an_unknown_id_counts_as_one_row() -> None:
    found = count_frequencies([tf.constant(["a"] * 7 + ["b"] * 3)])
    np.testing.assert_allclose(found(tf.constant(["z", ""])), [0.1, 0.1])


def test_table_weights_are_shares_before_any_power(tmp_path: Path) -> None:
    sampler = opened(weighted(tmp_path, {1: 6.0, 2: 2.0, 3: 0.0}, num_sample=1, weight_power=0))
    found = table_frequencies(sampler)(tf.constant(["1", "2", "3", "9"]))
    np.testing.assert_allclose(found, [6 / 8, 2 / 8, 2 / 8, 2 / 8])


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_sampler_draws_by_weights_to_a_power(tmp_path: Path, power: float) -> None:
    weights = {1: 4.0, 2: 1.0, 3: 0.0, 4: 9.0}
    sampler = opened(weighted(tmp_path, weights, num_sample=1, weight_power=power))
    np.testing.assert_allclose(
        sampler.catalogue.weights, [4.0**power, 1.0, 0.0, 9.0**power], rtol=1e-12
    )
    drawn = np.array([ids(negatives)[0] for negatives in samples(sampler, [], range(1000))])
    shares = sampler.catalogue.weights / sampler.catalogue.weights.sum()
    for item, share in zip(weights, shares, strict=True):
        error = 4.5 * np.sqrt(share * (1 - share) / 1000)
        assert abs((drawn == item).mean() - share) <= error


@pytest.mark.parametrize(("size", "spread"), [(1, 1.0), (15, 0.0), (15, 1.0), (59, 1.0)])
def test_inclusion_probabilities_are_those_of_the_draw(size: int, spread: float) -> None:
    """1500 draws of 60 items: within 4.5 standard errors and 0.01."""
    weights = np.random.default_rng(4).lognormal(sigma=spread, size=60)
    draw, nothing = WeightedDraw(weights, seed=3), tf.zeros([0], tf.int64)
    positions = tf.data.Dataset.range(1500).map(lambda row: draw(size, nothing, tf.stack([0, row])))
    counts = np.bincount(np.concatenate(list(positions.as_numpy_iterator())), minlength=60)
    found = inclusion_probabilities(weights, size, np.ones(60))
    error = 4.5 * np.sqrt(found * (1 - found) / 1500) + 0.01
    assert (np.abs(counts / 1500 - found) < error).all()
    assert found.sum() == pytest.approx(size)


def test_scarce_items_are_all_drawn() -> None:
    found = inclusion_probabilities(np.array([1.0, 0.0, 7.0]), 5, np.ones(3))
    assert found.tolist() == [1, 0, 1]
    assert inclusion_probabilities(np.zeros(2), 5, np.ones(2)).tolist() == [0, 0]


def test_weights_of_very_unequal_size_are_solved_for() -> None:
    weights = 10.0 ** -np.arange(300)
    found = inclusion_probabilities(weights, 100, np.ones(300))
    assert found.sum() == pytest.approx(100, abs=1e-6)
    assert (np.diff(found) <= 0).all()


def test_expected_counts_are_those_of_batches_with_their_sampled_items(tmp_path: Path) -> None:
    """1000 batches of 12 rows and 10 of 40 items: an item's number among another row's candidates.

    Within 4.5 standard errors and 3 %.
    """
    rng = np.random.default_rng(6)
    shares, weights = rng.dirichlet(np.ones(40)), rng.uniform(1, 4, 40)
    config = weighted(tmp_path, dict(enumerate(weights)), num_sample=10)
    sampler = opened(config)
    catalogue = np.array([str(item) for item in range(40)], object)
    frequencies = Frequencies(catalogue, shares * 1e9)
    proposal = Proposal("item", frequencies, sampler, batch_size=12)
    p, inclusions = proposal({"item": tf.constant(catalogue)}, None)
    expected = np.exp(log_expected_counts(p, inclusions, tf.constant(12), True))

    def draw(at: tf.Tensor, items: tf.Tensor) -> tf.Tensor:
        located = sampler.locate({"item": items})
        return sampler(located, tf.stack([0, at])).extra["item"]

    rows = rng.choice(40, (1000, 11), p=shares)
    found = np.zeros((1000, 40))
    dataset = tf.data.Dataset.from_tensor_slices(rows.astype(str)).enumerate()
    drawn = dataset.map(draw)
    for counts, others, sampled in zip(found, rows, drawn.as_numpy_iterator(), strict=True):
        np.add.at(counts, others, 1)
        np.add.at(counts, sampled.astype(int), 1)
    error = 4.5 * found.std(axis=0) / np.sqrt(1000) + 0.03 * expected
    assert (np.abs(found.mean(axis=0) - expected) < error).all()


def test_candidates_come_in_the_order_of_the_batch(tmp_path: Path) -> None:
    sampler = opened(weighted(tmp_path, {1: 3.0, 2: 1.0, 3: 0.0}, num_sample=1))
    proposal = Proposal("item", None, sampler, batch_size=4)
    (drawn,) = samples(sampler, ["1", "7"], [0])
    frequencies, inclusions = proposal({"item": tf.constant(["1", "7"])}, drawn)
    assert frequencies is None
    expected = inclusion_probabilities(np.array([3.0, 1.0, 0.0]), 1, np.ones(3))
    assert ids(drawn) == [2]
    np.testing.assert_allclose(inclusions, [expected[0], 0, expected[1]], rtol=1e-6)


def test_without_a_sampler_nothing_is_drawn() -> None:
    proposal = Proposal("item", count_frequencies([tf.constant([5, 5, 6])]), None, 3)
    frequencies, inclusions = proposal({"item": tf.constant([6, 5])}, None)
    np.testing.assert_allclose(frequencies, [1 / 3, 2 / 3])
    assert not inclusions.numpy().any()


def test_training_data_is_counted_by_its_reader(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text("u,007,t,1\nu,7,t,1\nu,9,t,2\n")
    config = EasyRecConfig(data_config=data_config(DatasetConfig.INT64))
    config.data_config.input_type = DatasetConfig.CSVInput
    options = config.model_config.softmax
    pipeline = Pipeline(config, ConfigSource("c", ""))
    assert open_proposal(pipeline, str(path), None) is None
    options.item_id, options.logq = "item", options.COUNTED
    proposal = open_proposal(pipeline, str(path), None)
    assert proposal is not None
    frequencies, _ = proposal({"item": tf.constant([9, 7], tf.int64)}, None)
    np.testing.assert_allclose(frequencies, [1 / 3, 2 / 3])
