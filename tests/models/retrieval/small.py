"""Small two-tower models for tests: five features, a few rows, fixed weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import text_format

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config import ConfigSource, Pipeline
from easyrec_lite.data.rows.values import Bags, Dense, FeatureValue, Ids
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.protos.messages import EasyRecConfig

CONFIG = """
model_dir: "m"
data_config {{
  input_fields {{ input_name: "clk" input_type: INT32 }}
  input_fields {{ input_name: "user_id" input_type: INT64 }}
  input_fields {{ input_name: "tags" }}
  input_fields {{ input_name: "height" input_type: FLOAT }}
  input_fields {{ input_name: "item_id" }}
  input_fields {{ input_name: "brand" }}
  label_fields: "clk"
}}
feature_config {{
  features {{ input_names: "user_id" feature_type: IdFeature embedding_dim: 4 num_buckets: 9 }}
  features {{ input_names: "tags" feature_type: TagFeature embedding_dim: 2 hash_bucket_size: 8 }}
  features {{ input_names: "height" feature_type: RawFeature }}
  features {{ input_names: "item_id" feature_type: IdFeature embedding_dim: 4 num_buckets: 30 }}
  features {{ input_names: "brand" feature_type: IdFeature embedding_dim: 6 num_buckets: 5 }}
}}
model_config {{
  feature_groups {{ group_name: "user" feature_names: ["user_id", "tags"{raw}] }}
  feature_groups {{ group_name: "item" feature_names: ["item_id", "brand"] }}
  feature_groups {{ group_name: "user_id_augment" feature_names: "user_id" }}
  feature_groups {{ group_name: "item_id_augment" feature_names: "item_id" }}
  {model}
}}
"""
DNN = "dnn { hidden_units: [5, 4] }"
TOWERS = f'user_tower {{ id: "u" {DNN} }} item_tower {{ id: "i" {DNN} }}'
SENET = f"senet {{ reduction_ratio: 2 }} {DNN}"
SENET_TOWERS = f'user_tower {{ id: "u" {SENET} }} item_tower {{ id: "i" {SENET} }}'
LISTWISE = "loss_type: SOFTMAX_CROSS_ENTROPY"


def config(model: str, raw: bool = False) -> Pipeline:
    text = CONFIG.format(model=model, raw=', "height"' if raw else "")
    return Pipeline(text_format.Merge(text, EasyRecConfig()), ConfigSource("my.config", text))


def dssm(params: str = "", model: str = LISTWISE, raw: bool = False) -> Any:
    return make(f'model_class: "DSSM" {model} dssm {{ {TOWERS} {params} }}', raw)


def make(model: str, raw: bool = False, seed: int = 3) -> Any:
    """Returns the model, its tables and biases drawn anew so that all of it matters."""
    pipeline = config(model, raw)
    model_class = MODELS.get(pipeline.config.model_config.model_class)
    made = model_class(pipeline, GroupEmbeddings(pipeline, 3), seed)
    rng = np.random.default_rng(8)
    for name, variable in made.trainable.items():
        if name.endswith(("embedding", "bias", "sim_w", "sim_b")):
            variable.assign(rng.normal(size=variable.shape))
    return made


def user_features(rows: int) -> dict[str, FeatureValue]:
    tags = tf.RaggedTensor.from_row_lengths(
        tf.range(rows * 2, dtype=tf.int64) % 8, [2, 4, 0, 2, 2][:rows] if rows == 5 else [2] * rows
    )
    height = tf.range(rows, dtype=tf.float32)[:, None] * 100
    users = tf.range(rows, dtype=tf.int64) * 4 % 9
    return {"user_id": Ids(users), "tags": Bags(tags), "height": Dense(height)}


def item_features(first: int, rows: int) -> dict[str, FeatureValue]:
    items = tf.range(first, first + rows, dtype=tf.int64)
    return {"item_id": Ids(items), "brand": Ids(items % 6 - 1)}


def batch(rows: int = 5, sampled: int = 3, **more: Any) -> Batch:
    labels = tf.cast(tf.range(rows) % 2, tf.float32)
    return Batch(
        {**user_features(rows), **item_features(0, rows)},
        {"clk": labels},
        negatives=item_features(rows, sampled) if sampled else {},
        **more,
    )
