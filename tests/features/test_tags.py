from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from easyrec_lite.features.transform import FeatureTransform
from tests.features.configs import config_of, value_of

TAG = 'input_names: "x" feature_type: TagFeature embedding_dim: 4 '
PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)


def bags(body: str, values: Any, **more: Any) -> Any:
    return value_of(TAG + body, x=values, **more)


def hashes(texts: list[str], buckets: int = 50) -> list[int]:
    return tf.strings.to_hash_bucket_fast(texts, buckets).numpy().tolist()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(PLAIN, max_size=6), min_size=1, max_size=8), st.sampled_from("|,\x01中"))
def test_split_is_pythons_without_empty_pieces(rows: list[list[str]], separator: str) -> None:
    cells = [separator.join(row) for row in rows]
    escaped = "\\001" if separator == "\x01" else separator
    value = bags(f'hash_bucket_size: 50 separator: "{escaped}"', cells)
    pieces = [[piece for piece in cell.split(separator) if piece] for cell in cells]
    flat = [piece for row in pieces for piece in row]
    assert value.ids.row_lengths().numpy().tolist() == [len(row) for row in pieces]
    assert value.ids.values.numpy().tolist() == (hashes(flat) if flat else [])
    assert value.weights is None


def test_repeated_tags_count_each_time_and_order_stays() -> None:
    value = bags("num_buckets: 9", ["3|1|3", "", "||2|"])
    assert value.ids.to_list() == [[3, 1, 3], [], [2]]


def test_separator_of_several_characters() -> None:
    assert bags('num_buckets: 9 separator: "::"', ["1::2:: 3"]).ids.to_list() == [[1, 2, 3]]


def test_weights_after_the_kv_separator() -> None:
    value = bags('num_buckets: 9 kv_separator: ":"', ["3:0.5|4:2", "", "5:-1|:7"])
    assert value.ids.to_list() == [[3, 4], [], [5]]
    assert value.weights.to_list() == [[0.5, 2.0], [], [-1.0]]


@pytest.mark.parametrize("cell", ["3", "3:1:2", "3:1|4"])
def test_an_entry_that_is_no_pair_is_refused(cell: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="feature 'x': every entry"):
        bags('num_buckets: 9 kv_separator: ":"', [cell])


def test_a_weight_that_is_no_number_is_shown() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="heavy"):
        bags('num_buckets: 9 kv_separator: ":"', ["3:heavy"])


def test_weights_in_a_second_column() -> None:
    body = 'input_names: "w" num_buckets: 9'
    value = bags(body, ["1|2", "", "3"], w=["0.5|0.25", "", "1"])
    assert value.ids.to_list() == [[1, 2], [], [3]]
    assert value.weights.to_list() == [[0.5, 0.25], [], [1.0]]
    lists = bags(body, ["1|2", "3"], w=tf.ragged.constant([[0.5, 0.25], [1.0]]))
    assert lists.weights.to_list() == [[0.5, 0.25], [1.0]]


def test_as_many_weights_as_tags_row_by_row() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="as many weights as tags"):
        bags('input_names: "w" num_buckets: 9', ["1|2", "3"], w=["1", "1|1"])


def test_list_columns() -> None:
    rows = [["a", "", "b"], [], ["ü"]]
    value = bags("hash_bucket_size: 50", tf.ragged.constant(rows))
    assert value.ids.to_list() == [hashes(["a", "b"]), [], hashes(["ü"])]
    numbers = tf.ragged.constant([[7, 10], []], tf.int64)
    assert bags("num_buckets: 9", numbers).ids.to_list() == [[7, 0], []]
    fixed = tf.constant([["a", ""], ["b", "a"]])
    assert bags("hash_bucket_size: 50", fixed).ids.to_list() == [hashes(["a"]), hashes(["b", "a"])]


def test_a_number_column_is_one_tag_a_row() -> None:
    assert bags("num_buckets: 9", tf.constant([3, 4], tf.int64)).ids.to_list() == [[3], [4]]
    want = [[bucket] for bucket in hashes(["3", "4"])]
    assert bags("hash_bucket_size: 50", tf.constant([3, 4], tf.int64)).ids.to_list() == want


def test_vocabulary_and_counts() -> None:
    body = TAG + 'vocab_list: "a" vocab_list: "b"'
    assert value_of(body, x=["b|zz|a", "yy"]).ids.to_list() == [[1, 0, 0], [0]]
    columns = {"x": tf.constant(["b|zz|a", "yy"])}
    values, unknown = FeatureTransform(config_of(body)).unknown_values(columns)["x"]
    assert values.numpy().tolist() == [b"b", b"zz", b"a", b"yy"]
    assert unknown.numpy().tolist() == [False, True, False, True]


def test_no_rows() -> None:
    value = bags('hash_bucket_size: 50 kv_separator: ":"', tf.constant([], tf.string))
    assert value.ids.to_list() == []
    assert value.weights.nrows() == 0
    assert value.ids.dtype == np.int64
