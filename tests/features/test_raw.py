from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from easyrec_lite.config.functions import FUNCTIONS
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.data.rows.values import Bags, Dense, Ids
from tests.features.configs import value_of

RAW = 'input_names: "x" feature_type: RawFeature '


def raw(body: str, values: Any) -> Any:
    return value_of(RAW + body, x=values)


def numbers(body: str, values: Any) -> list[list[float]]:
    value = raw(body, values)
    assert isinstance(value, Dense)
    assert value.values.dtype == tf.float32
    return value.values.numpy().tolist()


def test_the_number_itself() -> None:
    assert numbers("", [1.5, -2.0]) == [[1.5], [-2.0]]
    assert numbers("", tf.constant([3, 4], tf.int32)) == [[3.0], [4.0]]
    assert numbers("", ["1.5", "", "-2e3"]) == [[1.5], [0.0], [-2000.0]]


def test_a_text_that_is_no_number_is_shown_with_the_feature() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"abc.*number_of_x"):
        raw("", ["1", "abc"])


def test_several_numbers_a_cell() -> None:
    body = 'raw_input_dim: 3 separator: ","'
    assert numbers(body, ["1,2,3", "", "4,5,-6"]) == [[1, 2, 3], [0, 0, 0], [4, 5, -6]]
    assert numbers(body, tf.constant([[1, 2, 3]], tf.int64)) == [[1, 2, 3]]
    assert numbers(body, tf.ragged.constant([[1.0, 2.0, 3.0], []])) == [[1, 2, 3], [0, 0, 0]]


@pytest.mark.parametrize("cell", ["1,2", "1,2,3,4", "1"])
def test_another_number_of_numbers_is_refused(cell: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="a cell must hold 3 numbers"):
        raw('raw_input_dim: 3 separator: ","', ["1,2,3", cell])


def test_scaling_is_not_clipped() -> None:
    got = numbers("min_val: 10 max_val: 20", [10.0, 15.0, 20.0, 25.0])
    np.testing.assert_allclose(got, [[0.0], [0.5], [1.0], [1.5]], rtol=1e-6)


def test_normalizer_after_scaling() -> None:
    got = numbers('min_val: 0 max_val: 10 normalizer_fn: "tf.math.log1p"', [5.0, 10.0])
    np.testing.assert_allclose(got, np.log1p([[0.5], [1.0]]), rtol=1e-6)
    got = numbers('normalizer_fn: "lambda v: v * 2 + 1"', [5.0])
    assert got == [[11.0]]


def test_normalizer_of_the_users_own() -> None:
    FUNCTIONS.register("tests_halve")(_halve)
    assert numbers('normalizer_fn: "tests_halve"', [5.0]) == [[2.5]]


def _halve(values: tf.Tensor) -> tf.Tensor:
    return values / 2.0


def test_unknown_normalizer_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown function 'os\.system'"):
        raw('normalizer_fn: "os.system"', [1.0])


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=5, unique=True).map(sorted),
    st.lists(st.integers(-60, 60), min_size=1, max_size=20),
)
def test_boundaries_cut_as_numpy_digitize(limits: list[int], values: list[int]) -> None:
    body = "embedding_dim: 4 " + " ".join(f"boundaries: {limit}" for limit in limits)
    value = raw(body, [float(number) for number in values])
    assert isinstance(value, Ids)
    assert value.ids.numpy().tolist() == np.digitize(values, limits).tolist()


def test_boundaries_apply_to_scaled_values() -> None:
    value = raw("embedding_dim: 4 min_val: 0 max_val: 10 boundaries: 0.5", [4.9, 5.0])
    assert value.ids.numpy().tolist() == [0, 1]


def test_equal_buckets() -> None:
    body = "embedding_dim: 4 num_buckets: 5 min_val: 100 max_val: 200"
    value = raw(body, [-1e9, 100.0, 119.9, 120.0, 199.0, 200.0, 1e9])
    assert value.ids.numpy().tolist() == [0, 0, 0, 1, 4, 4, 4]


def test_each_of_several_numbers_has_buckets_of_its_own() -> None:
    body = 'embedding_dim: 4 raw_input_dim: 2 separator: "," boundaries: 1 boundaries: 5'
    value = raw(body, ["0,0", "1,9"])
    assert isinstance(value, Bags)
    assert value.ids.to_list() == [[0, 3], [1, 5]]


@pytest.mark.parametrize(
    ("combiner", "pool"),
    [("max", np.max), ("min", np.min), ("mean", np.mean), ("sum", np.sum)],
)
def test_several_vectors_a_cell(combiner: str, pool: Any) -> None:
    body = f'raw_input_dim: 2 separator: "," seq_multi_sep: ";" combiner: "{combiner}"'
    got = numbers(body, ["1,2;3,-4;5,9", "", "-7,8"])
    want = [pool([[1, 2], [3, -4], [5, 9]], axis=0), [0, 0], [-7, 8]]
    np.testing.assert_allclose(got, want, rtol=1e-6)


def test_no_rows() -> None:
    empty = tf.constant([], tf.string)
    assert raw('raw_input_dim: 2 separator: ","', empty).values.shape == (0, 2)
    assert raw('seq_multi_sep: ";" combiner: "max"', empty).values.shape == (0, 1)
    assert raw("embedding_dim: 4 boundaries: 1", empty).ids.shape == (0,)
