from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.config import ConfigSource, Pipeline
from easyrec_lite.data.rows.values import Bags, Dense, FeatureValue, Ids
from easyrec_lite.data.samplers.draw import WeightedDraw
from easyrec_lite.data.samplers.open import open_sampler
from easyrec_lite.data.samplers.sampler import Negatives, Sampler
from easyrec_lite.protos.messages import DatasetConfig, EasyRecConfig
from tests.golden import CASES

HEADER = "id:int64\tweight:float\tfeature:string\n"


def transform(columns: Mapping[str, tf.Tensor]) -> dict[str, FeatureValue]:
    """Stands for the feature transform: an id, a bag with weights, and a number per item."""
    tags = tf.strings.split(columns["tags"], "|")
    price = columns["price"]
    return {
        "item": Ids(tf.strings.to_number(columns["item"], tf.int64)),
        "tags": Bags(tf.strings.to_number(tags, tf.int64), None),
        "price": Dense(tf.cast(price, tf.float32)[:, None]),
    }


def write_items(path: Path, weights: Mapping[int, float]) -> str:
    lines = [f"{i}\t{weight}\t{i}:{i}|{i + 1}:{i / 2}\n" for i, weight in weights.items()]
    path.write_text(HEADER + "".join(lines))
    return str(path)


def data_config(item_type: int = DatasetConfig.STRING) -> DatasetConfig:
    config = DatasetConfig(batch_size=4, eval_batch_size=4)
    config.input_fields.add(input_name="user")
    config.input_fields.add(input_name="item", input_type=item_type)
    config.input_fields.add(input_name="tags")
    config.input_fields.add(input_name="price", input_type=DatasetConfig.FLOAT)
    return config


def opened(config: DatasetConfig, training: bool = True, seed: int = 1) -> Sampler:
    pipeline = Pipeline(EasyRecConfig(data_config=config), ConfigSource("c", ""))
    sampler = open_sampler(pipeline, transform, training, seed)
    assert sampler is not None
    return sampler


def weighted(path: Path, weights: Mapping[int, float], **options: int) -> DatasetConfig:
    config = data_config()
    message = config.negative_sampler
    message.input_path = write_items(path / "items.txt", weights)
    message.attr_fields.extend(["item", "tags", "price"])
    message.item_id_field = "item"
    for name, value in options.items():
        setattr(message, name, value)
    return config


def samples(
    sampler: Sampler, items: list[str], rows: Iterable[int], users: list[str] | None = None
) -> list[Negatives]:
    """Returns the negatives of one batch at each of the positions (0, row)."""
    columns = {"item": tf.constant(items, tf.string)}
    if users is not None:
        columns["user"] = tf.constant(users, tf.string)
    positions = tf.constant([[0, row] for row in rows], tf.int64)
    dataset = tf.data.Dataset.from_tensor_slices(positions)
    return list(dataset.map(lambda position: sampler(sampler.locate(columns), position)))


def sample(
    sampler: Sampler, items: list[str], row: int = 0, users: list[str] | None = None
) -> Negatives:
    return samples(sampler, items, [row], users)[0]


def ids(negatives: Negatives) -> list[int]:
    return [int(text) for text in negatives.extra["item"].numpy()]


def test_no_sampler() -> None:
    pipeline = Pipeline(EasyRecConfig(data_config=data_config()), ConfigSource("c", ""))
    assert open_sampler(pipeline, transform, True, 0) is None


def test_drawn_items_bring_their_own_values(tmp_path: Path) -> None:
    config = weighted(tmp_path, dict.fromkeys(range(100), 1.0), num_sample=20)
    negatives = sample(opened(config), ["3", "4"])
    drawn = ids(negatives)
    assert len(drawn) == len(set(drawn)) == 20
    assert negatives.features["item"].ids.numpy().tolist() == drawn
    assert negatives.features["tags"].ids.to_list() == [[i, i + 1] for i in drawn]
    assert negatives.features["tags"].weights is None
    np.testing.assert_array_equal(negatives.features["price"].values, np.c_[drawn] / 2)
    assert negatives.hard_pairs is None


FALLING = {i: 10.0**-i for i in range(30)}


@pytest.mark.parametrize("weights", [dict.fromkeys(range(30), 1.0), FALLING])
def test_items_of_the_batch_and_weightless_items_are_never_drawn(
    tmp_path: Path, weights: dict[int, float]
) -> None:
    sampler = opened(weighted(tmp_path, {**weights, 30: 0.0, 31: 0.0}, num_sample=25))
    for negatives in samples(sampler, ["0", "0", "7", "999", "", "30"], range(20)):
        drawn = ids(negatives)
        assert len(drawn) == len(set(drawn)) == 25
        assert not {0, 7, 30, 31} & set(drawn)


def test_scarce_items_come_all_in_file_order(tmp_path: Path) -> None:
    weights = {5: 1.0, 3: 0.1, 9: 0.0, 1: 7.0, 8: 2.0}
    sampler = opened(weighted(tmp_path, weights, num_sample=3))
    assert ids(sample(sampler, ["8"])) == [5, 3, 1]
    assert ids(sample(sampler, ["8", "3", "77"])) == [5, 1]
    everything = sample(sampler, ["8", "3", "5", "1"])
    assert ids(everything) == []
    assert everything.features["tags"].ids.to_list() == []
    assert everything.features["price"].values.shape == (0, 1)


def test_all_weights_zero(tmp_path: Path) -> None:
    assert ids(sample(opened(weighted(tmp_path, {1: 0.0}, num_sample=3)), ["8"])) == []


def test_shortage_is_said_when_opened(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = weighted(tmp_path, {1: 1.0, 2: 1.0, 3: 0.0}, num_sample=3)
    with caplog.at_level(logging.WARNING):
        sampler = opened(config)
        sample(sampler, ["1"])
        sample(sampler, ["2"])
    assert len([record for record in caplog.records if "2 items" in record.getMessage()]) == 1


def test_evaluation_draws_its_own_number(tmp_path: Path) -> None:
    weights = dict.fromkeys(range(100), 1.0)
    config = weighted(tmp_path, weights, num_sample=20, num_eval_sample=5)
    assert len(ids(sample(opened(config, training=False), ["1"]))) == 5
    assert len(ids(sample(opened(config, training=True), ["1"]))) == 20
    config = weighted(tmp_path, weights, num_sample=20)
    assert len(ids(sample(opened(config, training=False), ["1"]))) == 20


def test_a_draw_depends_on_seed_and_position_alone(tmp_path: Path) -> None:
    config = weighted(tmp_path, dict.fromkeys(range(1000), 1.0), num_sample=20)
    first, second, other = opened(config), opened(config), opened(config, seed=2)
    ahead = [ids(negatives) for negatives in samples(first, ["1"], range(3))]
    behind = [ids(negatives) for negatives in samples(second, ["1"], (2, 1, 0))]
    assert behind == ahead[::-1]
    assert len({tuple(drawn) for drawn in [*ahead, ids(sample(other, ["1"], 0))]}) == 4


def test_integer_item_columns_compare_as_decimal_text(tmp_path: Path) -> None:
    config = weighted(tmp_path, {5: 1.0, 6: 1.0}, num_sample=9)
    config.input_fields[1].input_type = DatasetConfig.INT64
    config.negative_sampler.attr_fields[:] = ["item", "tags", "price"]
    pipeline = Pipeline(EasyRecConfig(data_config=config), ConfigSource("c", ""))

    def integer_transform(columns: Mapping[str, tf.Tensor]) -> dict[str, FeatureValue]:
        assert columns["item"].dtype == tf.int64
        return {"item": Ids(columns["item"])}

    sampler = open_sampler(pipeline, integer_transform, True, 0)
    assert sampler is not None
    located = sampler.locate({"item": tf.constant([5], tf.int64)})
    negatives = sampler(located, tf.constant([0, 0], tf.int64))
    assert ids(negatives) == [6]


def draws(weights: np.ndarray, size: int, times: int, excluded: list[int]) -> np.ndarray:
    draw = WeightedDraw(weights, seed=5)
    barred = tf.constant(excluded, tf.int64)

    @tf.function
    def at(row: tf.Tensor) -> tf.Tensor:
        return draw(size, barred, tf.stack([tf.constant(0, tf.int64), row]))

    return np.stack([at(tf.constant(row, tf.int64)).numpy() for row in range(times)])


def test_frequencies_follow_the_weights() -> None:
    weights = np.array([1.0, 2.0, 0.0, 3.0, 4.0, 10.0])
    drawn = draws(weights, 1, 3000, [5])[:, 0]
    counts = np.bincount(drawn, minlength=6)
    expected = 3000 * np.array([1, 2, 0, 3, 4, 0]) / 10
    assert counts[2] == counts[5] == 0
    chi_square = ((counts - expected)[expected > 0] ** 2 / expected[expected > 0]).sum()
    assert chi_square < 16.3  # 3 degrees of freedom, p = 0.001


@pytest.mark.parametrize("oversampling", [1, 50])
def test_pairs_follow_successive_draws(monkeypatch: pytest.MonkeyPatch, oversampling: int) -> None:
    """A short stream, filled up by Gumbel keys, and a long one have the same distribution."""
    monkeypatch.setattr("easyrec_lite.data.samplers.draw.OVERSAMPLING", oversampling)
    p = np.array([0.6, 0.3, 0.1])
    counts = Counter(map(tuple, draws(p, 2, 3000, []).tolist()))
    expected = {
        (a, b): 3000 * p[a] * p[b] / (1 - p[a]) for a in range(3) for b in range(3) if a != b
    }
    assert set(counts) == set(expected)
    chi_square = sum((counts[pair] - e) ** 2 / e for pair, e in expected.items())
    assert chi_square < 20.5  # 5 degrees of freedom, p = 0.001


def test_one_giant_among_many_neither_hangs_nor_repeats() -> None:
    weights = np.full(2000, 1e-12)
    weights[77] = 1e12
    drawn = draws(weights, 500, 3, [3])
    assert (np.array([len(set(row)) for row in drawn]) == 500).all()
    assert (drawn == 77).any(axis=1).all()
    assert not (drawn == 3).any()


def test_golden_negatives_come_all_in_file_order() -> None:
    table = CASES / "dssm_neg" / "negatives_gl.txt"
    config = DatasetConfig(batch_size=64)
    names = ["adgroup_id", "cate_id", "campaign_id", "customer", "brand"]
    for name in names:
        config.input_fields.add(input_name=name)
    config.negative_sampler_in_memory.input_path = str(table)
    config.negative_sampler_in_memory.num_sample = 64
    config.negative_sampler_in_memory.attr_fields.extend(names)
    config.negative_sampler_in_memory.item_id_field = "adgroup_id"
    pipeline = Pipeline(EasyRecConfig(data_config=config), ConfigSource("c", ""))
    seen: dict[str, tf.Tensor] = {}

    def keep(columns: Mapping[str, tf.Tensor]) -> dict[str, FeatureValue]:
        seen.update(columns)
        return {}

    sampler = open_sampler(pipeline, keep, True, 0)
    assert sampler is not None
    rows = tf.constant(["6433117477"])
    negatives = sampler(sampler.locate({"adgroup_id": rows}), tf.constant([0, 0], tf.int64))
    lines = [line.split("\t") for line in table.read_text().splitlines()[1:]]
    assert negatives.extra["adgroup_id"].numpy().tolist() == [cells[0].encode() for cells in lines]
    brands = [cells[2].split(":")[4].encode() for cells in lines]
    assert seen["brand"].numpy().tolist() == brands
