"""Cells that a feature cannot read: told by row, and taken for empty ones where rows are served."""

from __future__ import annotations

from typing import Any

import pytest
import tensorflow as tf

from easyrec_lite.data.rows.cells import faults, require
from easyrec_lite.features.transform import FeatureTransform
from tests.features.configs import config_of

ID = 'input_names: "x" feature_type: IdFeature embedding_dim: 2 num_buckets: 10'
TAG = 'input_names: "x" feature_type: TagFeature embedding_dim: 2 hash_bucket_size: 50 '
WEIGHTED = TAG + 'kv_separator: ":"'
TWO = 'feature_name: "t" input_names: "w" ' + TAG.replace("hash_bucket_size: 50", "num_buckets: 9")
TWO = TWO.replace('input_names: "w" input_names: "x"', 'input_names: "x" input_names: "w"')
RAW = 'input_names: "x" feature_type: RawFeature '
VECTOR = RAW + 'raw_input_dim: 2 separator: ","'
POOLED = VECTOR + ' seq_multi_sep: ";" combiner: "mean"'
PASSED = VECTOR.replace("RawFeature", "PassThroughFeature")
LOOKUP = (
    'feature_name: "f" input_names: "key" input_names: "x" feature_type: LookupFeature '
    "embedding_dim: 2 num_buckets: 10"
)
STEPS = 'input_names: "x" feature_type: SequenceFeature max_seq_len: 2 '
RAW_STEPS = STEPS + "sub_feature_type: RawFeature "
ID_STEPS = STEPS + "embedding_dim: 2 num_buckets: 10"
SPLIT_STEPS = ID_STEPS + ' seq_multi_sep: ";"'
NUMBER_STEPS = RAW_STEPS + 'raw_input_dim: 2 seq_multi_sep: ","'
EXPR = 'feature_name: "e" input_names: "x" feature_type: ExprFeature expression: "x + 1"'

# The feature, its columns, and for each row a part of what is said of it; "" of a good one.
CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    (ID, {"x": ["1", "", "1.5", "a", "nan", "inf", "99"]}, ["", "", *["whole"] * 4, ""]),
    (ID, {"x": [1.0, 1.5]}, ["", "whole"]),
    (WEIGHTED, {"x": ["a:1", "a", "a:1:2", "a:w|b:1", ""]}, ["", *["KEY:VALUE"] * 2, "weight", ""]),
    (WEIGHTED, {"x": ["a:nan", "a:-1e3"]}, ["finite", ""]),
    (
        TWO,
        {"x": ["1|2", "1", "z", "3"], "w": ["1|1", "1|2", "1", "q"]},
        ["", "many", "whole", "weight"],
    ),
    (
        RAW,
        {"x": ["1", "", "one", "inf", " 2 ", "1e400"]},
        ["", "", "finite", "finite", "", "finite"],
    ),
    (RAW, {"x": [1.0, float("nan")]}, ["", "finite"]),
    (VECTOR, {"x": ["1,2", "1", "", "1,b"]}, ["", "2 numbers", "", "finite"]),
    (VECTOR, {"x": tf.ragged.constant([["1", "2"], ["1"], []])}, ["", "2 numbers", ""]),
    (POOLED, {"x": ["1,2;3,4", "1,2;3", ""]}, ["", "2 numbers", ""]),
    (PASSED, {"x": ["1,2", "1", "c,d"]}, ["", "2 numbers", "finite"]),
    (LOOKUP, {"key": ["a", "a", "a"], "x": ["a:1|b:z", "a", "a:z"]}, ["", "KEY:VALUE", "whole"]),
    (ID_STEPS, {"x": ["1|2|z", "z|1", ""]}, ["", "whole", ""]),
    (SPLIT_STEPS, {"x": ["1;2|3", "1;z|3"]}, ["", "whole"]),
    (NUMBER_STEPS, {"x": ["1,2|3,4", "1,2|3", "1,k"]}, ["", "2 numbers", "finite"]),
    (EXPR, {"x": ["1", "x", ""]}, ["", "finite", ""]),
]


@pytest.mark.parametrize(("body", "columns", "told"), CASES)
def test_each_bad_row_is_told_and_has_the_default(
    body: str, columns: dict[str, Any], told: list[str]
) -> None:
    transform = FeatureTransform(config_of(body))
    given = {
        name: column if isinstance(column, tf.RaggedTensor) else tf.constant(column)
        for name, column in columns.items()
    }
    found = faults(transform.expectations, given)
    assert sorted(found) == [row for row, part in enumerate(told) if part]
    for row, problems in found.items():
        assert any(told[row] in problem.message for problem in problems)
        assert all("x" in problem.path for problem in problems)
    (value,) = transform.forgiving(given).values()
    empty = {name: _emptied(column, found) for name, column in given.items()}
    (expected,) = transform(empty).values()
    for ours, theirs in zip(tf.nest.flatten(value), tf.nest.flatten(expected), strict=True):
        assert _plain(ours) == _plain(theirs)


def test_a_row_is_required_to_be_readable() -> None:
    transform = FeatureTransform(config_of(RAW))
    good = {"x": tf.constant(["1"])}
    assert require(transform.expectations, good)["x"].numpy().tolist() == [b"1"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="finite"):
        require(transform.expectations, {"x": tf.constant(["1", "z"])})


def _emptied(column: Any, rows: Any) -> Any:
    bad = [row in rows for row in range(column.shape[0])]
    if isinstance(column, tf.RaggedTensor):
        cells = zip(column.to_list(), bad, strict=True)
        return tf.ragged.constant([[] if out else cell for cell, out in cells], column.dtype)
    return tf.where(bad, tf.zeros([], column.dtype), column)


def _plain(value: Any) -> Any:
    if isinstance(value, tf.RaggedTensor):
        return value.to_list()
    return None if value is None else value.numpy().tolist()
