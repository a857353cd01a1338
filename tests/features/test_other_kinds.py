from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.checks.rules import groups
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.data.rows.values import Bags, Dense, DenseSteps, Ids, Steps
from tests.features.configs import config_of, problems_of, value_of

COMBO = 'feature_name: "c" input_names: "a" input_names: "b" feature_type: ComboFeature '
COMBO += "embedding_dim: 4 hash_bucket_size: 1000 "
LOOKUP = 'feature_name: "f" input_names: "key" input_names: "map" feature_type: LookupFeature '
LOOKUP += "embedding_dim: 4 num_buckets: 100 "
SEQUENCE = 'input_names: "x" feature_type: SequenceFeature '


def hashes(texts: list[str], buckets: int = 1000) -> list[int]:
    return tf.strings.to_hash_bucket_fast(texts, buckets).numpy().tolist()


def cross(a: str, b: str) -> int:
    one_row = tf.sparse.cross_hashed([tf.constant([[a]]), tf.constant([[b]])], 1000)
    return int(one_row.values[0])


def test_combo_joined() -> None:
    value = value_of(COMBO + 'combo_join_sep: "_"', a=["u", "", "ä"], b=["v", "w", ""])
    assert isinstance(value, Ids)
    assert value.ids.numpy().tolist() == hashes(["u_v", "_w", "ä_"])


def test_combo_joined_with_numbers() -> None:
    value = value_of(COMBO + 'combo_join_sep: "_"', a=tf.constant([7, 8], tf.int64), b=["v", "w"])
    assert value.ids.numpy().tolist() == hashes(["7_v", "8_w"])


def test_combo_crossed_row_by_row() -> None:
    rows = [("u", "v"), ("v", "u"), ("", "x")]
    value = value_of(COMBO, a=[a for a, _ in rows], b=[b for _, b in rows])
    assert isinstance(value, Ids)
    ids = value.ids.numpy().tolist()
    assert ids == [cross(a, b) for a, b in rows]
    assert ids[0] != ids[1]


def test_combo_crosses_every_combination_of_pieces() -> None:
    body = COMBO + 'combo_input_seps: "|" combo_input_seps: ""'
    value = value_of(body, a=["p|q", "", "p"], b=["v", "w", "w"])
    assert isinstance(value, Bags)
    want = [[cross("p", "v"), cross("q", "v")], [], [cross("p", "w")]]
    assert [sorted(row) for row in value.ids.to_list()] == [sorted(row) for row in want]
    both = value_of(COMBO + 'combo_input_seps: "|" combo_input_seps: "|"', a=["p|q"], b=["v|w"])
    want = [cross(a, b) for a, b in itertools.product("pq", "vw")]
    assert sorted(both.ids.to_list()[0]) == sorted(want)


def test_combo_separators_must_fit_the_inputs() -> None:
    report = problems_of(config_of(COMBO + 'combo_input_seps: "|"'))
    assert "combo_input_seps" in report
    assert "does not fit" in report
    body = 'combo_join_sep: "_" combo_input_seps: "|" combo_input_seps: "|"'
    assert "both combo_join_sep and combo_input_seps" in problems_of(config_of(COMBO + body))


def test_combo_without_rows() -> None:
    empty = tf.constant([], tf.string)
    for more in ("", 'combo_join_sep: "_"', 'combo_input_seps: "|" combo_input_seps: ""'):
        assert value_of(COMBO + more, a=empty, b=empty).ids.shape[0] == 0


def test_lookup_takes_the_values_of_the_rows_key() -> None:
    value = value_of(
        LOOKUP + 'kv_separator: ":"',
        key=["a", "b", "", "z"],
        map=["a:1|b:2|a:3", "a:4|b:5", "a:6", ""],
    )
    assert value.ids.to_list() == [[1, 3], [5], [], []]


def test_lookup_takes_so_many_at_most_and_reads_number_keys() -> None:
    body = LOOKUP + 'kv_separator: "=" separator: ";" lookup_max_sel_elem_num: 2'
    keys = tf.constant([5, 6], tf.int64)
    value = value_of(body, key=keys, map=["5=1;5=2;5=3", "7=1;6=9;5=1"])
    assert value.ids.to_list() == [[1, 2], [9]]


def test_lookup_refuses_an_entry_without_value() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="KEY:VALUE"):
        value_of(LOOKUP, key=["a"], map=["a"])


def test_lookup_without_rows() -> None:
    empty = tf.constant([], tf.string)
    assert value_of(LOOKUP, key=empty, map=empty).ids.to_list() == []


def sequence(body: str, values: Any) -> Any:
    return value_of(SEQUENCE + body, x=values)


def test_sequence_keeps_order_and_length_and_truncates() -> None:
    body = "embedding_dim: 4 num_buckets: 9"
    assert sequence(body, ["3|1|3", "", "2||5"]).ids.to_list() == [[3, 1, 3], [], [2, 5]]
    value = sequence(body + " max_seq_len: 2", ["3|1|3", "", "2"])
    assert isinstance(value, Steps)
    assert value.ids.to_list() == [[3, 1], [], [2]]


def test_sequence_of_steps_with_several_ids() -> None:
    body = 'embedding_dim: 4 num_buckets: 9 separator: ";" seq_multi_sep: "," max_seq_len: 2'
    value = sequence(body, ["1,2;3;4", "", "5"])
    assert value.ids.to_list() == [[[1, 2], [3]], [], [[5]]]


def test_sequence_of_numbers() -> None:
    value = sequence("sub_feature_type: RawFeature max_val: 10", ["1|2", ""])
    assert isinstance(value, DenseSteps)
    np.testing.assert_allclose(value.values.values, [[0.1], [0.2]], rtol=1e-6)
    assert value.values.row_lengths().numpy().tolist() == [2, 0]


def test_sequence_of_number_vectors() -> None:
    body = 'sub_feature_type: RawFeature raw_input_dim: 2 separator: ";" seq_multi_sep: ","'
    value = sequence(body, ["1,2;3,4", "", "5,6"])
    assert value.values.to_list() == [[[1, 2], [3, 4]], [], [[5, 6]]]
    buckets = sequence(body + " embedding_dim: 4 boundaries: 3", ["1,2;3,4"])
    assert isinstance(buckets, Steps)
    assert buckets.ids.to_list() == [[[0, 2], [1, 3]]]


def test_sequence_of_bucketised_numbers() -> None:
    value = sequence("sub_feature_type: RawFeature embedding_dim: 4 boundaries: 3", ["1|5", ""])
    assert value.ids.to_list() == [[0, 1], []]


def test_sequence_without_rows() -> None:
    empty = tf.constant([], tf.string)
    assert sequence("embedding_dim: 4 num_buckets: 9 max_seq_len: 3", empty).ids.to_list() == []
    assert sequence("sub_feature_type: RawFeature", empty).values.to_list() == []


EXPR = 'feature_name: "e" input_names: "a" input_names: "b" feature_type: ExprFeature '


def test_expression_over_float64_inputs() -> None:
    value = value_of(EXPR + 'expression: "a / (b + 1)"', a=["1", "", "3"], b=[1.0, 5.0, 2.0])
    assert isinstance(value, Dense)
    np.testing.assert_allclose(value.values, [[0.5], [0.0], [1.0]], rtol=1e-6)
    # 2**53 and 2**53 + 2 are one number in float32, two in float64.
    big = tf.constant([2**53 + 2], tf.int64)
    value = value_of(EXPR + 'expression: "a - b"', a=big, b=tf.constant([2**53], tf.int64))
    assert value.values.numpy().tolist() == [[2.0]]


def test_expression_of_comparisons_and_functions() -> None:
    value = value_of(EXPR + 'expression: "(a > 1) & (b <= 2)"', a=[0.0, 2.0, 2.0], b=[0, 2, 3])
    assert value.values.numpy().tolist() == [[0.0], [1.0], [0.0]]
    value = value_of(EXPR + 'expression: "tf.math.log1p(a) / 10.0"', a=[3.0], b=[0.0])
    np.testing.assert_allclose(value.values, np.log1p([[3.0]]) / 10, rtol=1e-6)


def test_expression_that_may_not_be() -> None:
    with pytest.raises(ConfigError, match=r"features\[0\]\.expression"):
        value_of(EXPR + "expression: \"__import__('os')\"", a=[1.0], b=[1.0])


def test_pass_through() -> None:
    body = 'input_names: "x" feature_type: PassThroughFeature '
    value = value_of(body, x=tf.constant([3, 4], tf.int64))
    assert value.values.numpy().tolist() == [[3.0], [4.0]]
    value = value_of(body + "raw_input_dim: 2", x=["1|2", ""])
    assert value.values.numpy().tolist() == [[1.0, 2.0], [0.0, 0.0]]


CELLS = ["1|2|3|4|5", "", "6", "7|8"]
ORDERED = {
    "": lambda steps, most: steps[:most],
    "OLDEST_FIRST": lambda steps, most: steps[len(steps) - min(most, len(steps)) :],
    "NEWEST_FIRST": lambda steps, most: steps[:most][::-1],
}


@pytest.mark.parametrize("order", list(ORDERED))
@pytest.mark.parametrize("most", [0, 2, 9])
def test_steps_are_from_the_oldest_to_the_newest_if_their_order_is_stated(
    order: str, most: int
) -> None:
    body = SEQUENCE + 'embedding_dim: 4 num_buckets: 10 separator: "|" '
    body += f"max_seq_len: {most} " if most else ""
    body += f"step_order: {order}" if order else ""
    rows = [[int(step) for step in cell.split("|") if step] for cell in CELLS]
    expected = [ORDERED[order](row, most or 99) for row in rows]
    for column in (CELLS, tf.ragged.constant(rows, tf.int64)):
        value = value_of(body, x=column)
        assert isinstance(value, Steps)
        assert value.ids.to_list() == expected


def test_steps_of_several_values_are_put_in_order_as_wholes() -> None:
    body = SEQUENCE + "step_order: NEWEST_FIRST sub_feature_type: RawFeature raw_input_dim: 2 "
    value = value_of(body + 'separator: ";" seq_multi_sep: ","', x=["1,2;3,4", "", "5,6"])
    assert isinstance(value, DenseSteps)
    assert value[0].to_list() == [[[3, 4], [1, 2]], [], [[5, 6]]]


def test_an_order_of_what_is_no_list_has_no_effect() -> None:
    body = 'input_names: "x" feature_type: IdFeature embedding_dim: 4 num_buckets: 9 '
    told = problems_of(config_of(body + "step_order: NEWEST_FIRST"))
    assert "warning" in told
    assert "step_order" in told


def test_sequences_of_a_group_all_have_an_order_or_none() -> None:
    body = 'feature_type: SequenceFeature embedding_dim: 4 num_buckets: 9 separator: "|" '
    stated = 'input_names: "x" step_order: NEWEST_FIRST ' + body
    other = 'input_names: "y" ' + body
    for second, wrong in ((other, True), (other + "step_order: OLDEST_FIRST", False)):
        view = View(config_of(stated, second))
        assert bool(list(groups.step_orders(view))) == wrong
