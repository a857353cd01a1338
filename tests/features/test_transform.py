from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from easyrec_lite.config import ConfigSource, Pipeline
from easyrec_lite.core.errors import DataError
from easyrec_lite.data.rows.values import concat_rows
from easyrec_lite.features.transform import FeatureTransform
from easyrec_lite.protos.messages import EasyRecConfig
from tests.features.configs import config_of
from tests.golden import CASES

NAMES = ("dat", "dssm_neg", "dssm_senet", "dssm_senet_backbone", "parallel_dssm")


def golden_config(case: Path) -> Pipeline:
    """Returns the case's config with one more group, which uses every feature."""
    config = text_format.Parse((case / "pipeline.config").read_text(), EasyRecConfig())
    every = [feature.input_names[0] for feature in config.feature_config.features]
    config.model_config.feature_groups.add(group_name="every", feature_names=every)
    return Pipeline(config, ConfigSource(str(case / "pipeline.config"), ""))


def golden_columns(case: Path, pipeline: Pipeline) -> dict[str, tf.Tensor]:
    with (case / "rows.csv").open(newline="") as file:
        cells = list(zip(*csv.reader(file), strict=True))
    fields = pipeline.config.data_config.input_fields
    return {field.input_name: tf.constant(cells[i]) for i, field in enumerate(fields)}


def golden_negatives(case: Path, pipeline: Pipeline) -> dict[str, tf.Tensor]:
    lines = (case / "negatives_gl.txt").read_text().splitlines()[1:]
    rows = [line.split("\t")[2].split(":") for line in lines]
    attributes = pipeline.config.data_config.negative_sampler_in_memory.attr_fields
    return {name: tf.constant([row[i] for row in rows]) for i, name in enumerate(attributes)}


@pytest.mark.parametrize("name", NAMES)
def test_ids_equal_the_golden_ones(name: str) -> None:
    case = CASES / name
    config = golden_config(case)
    transform = FeatureTransform(config)
    values = transform(golden_columns(case, config))
    if (case / "negatives_gl.txt").exists():
        negatives = golden_negatives(case, config)
        drawn = transform(negatives, list(negatives))
        values |= {name: concat_rows(values[name], drawn[name]) for name in negatives}
    want = np.load(case / "ids.npz")
    assert set(want.files) == set(values)
    for feature in want.files:
        got = values[feature].ids
        if isinstance(got, tf.RaggedTensor):
            got = got.to_tensor(-1, shape=want[feature].shape)
        np.testing.assert_array_equal(got, want[feature], err_msg=feature)


def test_typed_columns_give_the_ids_of_their_texts() -> None:
    case = CASES / "dssm_senet"
    config = golden_config(case)
    transform = FeatureTransform(config)
    columns = golden_columns(case, config)
    texts = transform(columns, ["adgroup_id", "price"])
    numbers = {
        name: tf.strings.to_number(columns[name], tf.int64) for name in ("adgroup_id", "price")
    }
    typed = transform(numbers, ["adgroup_id", "price"])
    for name in numbers:
        np.testing.assert_array_equal(texts[name].ids, typed[name].ids)


EVERY_KIND = (
    'input_names: "i" feature_type: IdFeature embedding_dim: 4 hash_bucket_size: 10',
    'input_names: "v" feature_type: IdFeature embedding_dim: 4 vocab_list: "a" vocab_list: "b"',
    'input_names: "t" feature_type: TagFeature embedding_dim: 4 num_buckets: 5 kv_separator: ":"',
    'input_names: "r" feature_type: RawFeature normalizer_fn: "tf.math.log1p"',
    'feature_name: "c" input_names: "i" input_names: "v" feature_type: ComboFeature '
    "embedding_dim: 4 hash_bucket_size: 10",
    'input_names: "s" feature_type: SequenceFeature embedding_dim: 4 num_buckets: 5 '
    "max_seq_len: 2 sequence_combiner { attention {} }",
    'feature_name: "e" input_names: "r" feature_type: ExprFeature expression: "r > 1"',
    'feature_name: "l" input_names: "i" input_names: "t" feature_type: LookupFeature '
    "embedding_dim: 4 hash_bucket_size: 10",
)
ROWS = {
    "i": ["x", "", "2"],
    "v": ["b", "?", ""],
    "t": ["1:2|3:0.5", "", "2:1"],
    "r": ["2", "0.5", ""],
    "s": ["1|2|3", "", "4"],
}


def columns_of(rows: dict[str, list[str]]) -> dict[str, tf.Tensor]:
    return {name: tf.constant(cells, tf.string) for name, cells in rows.items()}


def flat(values: Any) -> list[Any]:
    parts = tf.nest.flatten(values, expand_composites=True)
    return [part.numpy().tolist() for part in parts if part is not None]


def test_columns_needed() -> None:
    transform = FeatureTransform(config_of(*EVERY_KIND))
    assert transform.input_fields() == ["i", "v", "t", "r", "s"]
    assert transform.input_fields(["c", "i"]) == ["i", "v"]
    assert list(transform(columns_of(ROWS), ["e"])) == ["e"]


def test_missing_columns_are_named_all_at_once() -> None:
    transform = FeatureTransform(config_of(*EVERY_KIND))
    with pytest.raises(DataError, match=r"(?s)'i' reads column 'i'.*'s' reads column 's'"):
        transform(columns_of({name: ROWS[name] for name in ("v", "t", "r")}))


def test_counts_only_features_with_a_fixed_set_of_values() -> None:
    found = FeatureTransform(config_of(*EVERY_KIND)).unknown_values(columns_of(ROWS))
    counts = {name: int(tf.math.count_nonzero(unknown)) for name, (_, unknown) in found.items()}
    assert counts == {"v": 1, "t": 0, "s": 0}


def test_data_set_map_gives_the_same_as_a_direct_call() -> None:
    transform = FeatureTransform(config_of(*EVERY_KIND))
    batches = tf.data.Dataset.from_tensor_slices(columns_of(ROWS)).batch(2).map(transform)
    got = [flat(batch) for batch in batches]
    first = {name: cells[:2] for name, cells in ROWS.items()}
    last = {name: cells[2:] for name, cells in ROWS.items()}
    assert got == [flat(transform(columns_of(first))), flat(transform(columns_of(last)))]


def test_no_rows() -> None:
    transform = FeatureTransform(config_of(*EVERY_KIND))
    empty = transform(columns_of({name: [] for name in ROWS}))
    for value in empty.values():
        assert (
            value[0].nrows() if isinstance(value[0], tf.RaggedTensor) else value[0].shape[0]
        ) == 0


class Served(tf.Module):
    def __init__(self, transform: FeatureTransform):
        super().__init__()
        self.transform = transform

    @tf.function
    def __call__(self, columns: dict[str, tf.Tensor]) -> dict[str, Any]:
        values = self.transform(columns)
        return {
            name: [part for part in value if part is not None] for name, value in values.items()
        }


def test_saved_model_gives_the_same_from_raw_columns(tmp_path: Path) -> None:
    transform = FeatureTransform(config_of(*EVERY_KIND))
    served = Served(transform)
    specs = {name: tf.TensorSpec([None], tf.string, name) for name in ROWS}
    served.__call__.get_concrete_function(specs)
    tf.saved_model.save(served, tmp_path / "model")
    loaded = tf.saved_model.load(tmp_path / "model")
    for rows in (ROWS, {name: cells[:1] for name, cells in ROWS.items()}):
        assert flat(loaded(columns_of(rows))) == flat(served(columns_of(rows)))
