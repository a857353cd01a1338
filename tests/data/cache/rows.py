"""What the tests of the cache share: every kind of feature over files of each format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from google.protobuf import text_format

from easyrec_lite.config import ConfigSource, Pipeline
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.transform import FeatureTransform
from easyrec_lite.protos.messages import EasyRecConfig
from easyrec_lite.training.input import BatchInput, ReadPlan

FIELDS = {
    "clk": "INT32",
    "weight": "FLOAT",
    "user": "INT64",
    "item": "STRING",
    "tags": "STRING",
    "scores": "STRING",
    "price": "FLOAT",
    "size": "DOUBLE",
    "vector": "STRING",
    "steps": "STRING",
    "nested": "STRING",
    "numbers": "STRING",
}
FEATURES = """
features { input_names: "user" feature_type: IdFeature embedding_dim: 4 hash_bucket_size: 9999 }
features { input_names: "item" feature_type: IdFeature embedding_dim: 4 hash_bucket_size: 50 }
features { input_names: "tags" feature_type: TagFeature embedding_dim: 2 hash_bucket_size: 8 }
features { input_names: "scores" feature_type: TagFeature embedding_dim: 2 hash_bucket_size: 8
           kv_separator: ":" }
features { input_names: "price" feature_type: RawFeature embedding_dim: 2
           boundaries: [1, 10, 100] }
features { feature_name: "scaled" input_names: "size" feature_type: RawFeature
           min_val: -7 max_val: 13 }
features { feature_name: "logarithm" input_names: "size" feature_type: RawFeature
           normalizer_fn: "lambda x: tf.math.log1p(tf.abs(x))" }
features { feature_name: "ratio" input_names: "price" input_names: "size"
           feature_type: ExprFeature expression: "price / (size * size + 1)" }
features { input_names: "vector" feature_type: RawFeature separator: ";" raw_input_dim: 3 }
features { feature_name: "cross" input_names: "item" input_names: "clk"
           feature_type: ComboFeature embedding_dim: 2 hash_bucket_size: 20 }
features { input_names: "steps" feature_type: SequenceFeature embedding_dim: 2
           hash_bucket_size: 70 separator: "|" max_seq_len: 3 sequence_combiner { attention {} } }
features { input_names: "nested" feature_type: SequenceFeature embedding_dim: 2
           hash_bucket_size: 70 separator: "|" seq_multi_sep: ","
           sequence_combiner { attention {} } }
features { input_names: "numbers" feature_type: SequenceFeature separator: "|"
           sub_feature_type: RawFeature raw_input_dim: 1 sequence_combiner { attention {} } }
"""
SMALL = FEATURES[: FEATURES.index('features { input_names: "scores"')]
WORDS = ("", "a", "Straße", "手机", "手机壳", "\U0001f600", "x" * 40, "naïve café")


def made(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Returns rows with empty cells, texts that are not ASCII, and huge ids."""
    random = np.random.default_rng(seed)

    def words(separator: str, most: int = 5) -> str:
        return separator.join(random.choice(WORDS) for _ in range(random.integers(most)))

    return [
        {
            "clk": int(random.integers(2)),
            "weight": float(np.float32(random.random())),
            "user": int(random.integers(-(2**63), 2**63 - 1)),
            "item": str(random.choice(WORDS)),
            "tags": words("|"),
            "scores": "|".join(
                f"{random.choice(WORDS[1:])}:{random.random():.3f}"
                for _ in range(random.integers(3))
            ),
            "price": float(np.float32(random.lognormal(2, 2))),
            "size": float(random.normal(0, 30)),
            "vector": ";".join(f"{value:.3f}" for value in random.normal(size=3)),
            "steps": words("|", 7),
            "nested": "|".join(words(",", 3) for _ in range(random.integers(3))),
            "numbers": "|".join(f"{value:.2f}" for value in random.random(random.integers(4))),
        }
        for _ in range(count)
    ]


def write_csv(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Cells of lists hold commas, so they stand in quotes; a blank line stands here and there."""
    lines = []
    for number, row in enumerate(rows):
        cells = (repr(row[name]) if isinstance(row[name], float) else row[name] for name in FIELDS)
        lines.append(",".join(f'"{cell}"' for cell in cells) + "\n" * (1 + (number % 17 == 3)))
    file.write_text("".join(lines), encoding="utf-8")


def write_parquet(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Tags are a list column."""
    table = {name: [row[name] for row in rows] for name in FIELDS}
    table["tags"] = [[tag for tag in cell.split("|") if tag] for cell in table["tags"]]
    types = {"STRING": pa.string(), "INT32": pa.int32(), "INT64": pa.int64()}
    schema = {name: types.get(kind, pa.float64()) for name, kind in FIELDS.items()}
    schema |= {"tags": pa.list_(pa.string()), "weight": pa.float32(), "price": pa.float32()}
    pq.write_table(pa.table(table, pa.schema(schema.items())), file, row_group_size=30)


def write_tfrecord(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    def feature(value: Any) -> tf.train.Feature:
        if isinstance(value, str):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
        if isinstance(value, int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))

    with tf.io.TFRecordWriter(str(file)) as writer:
        for row in rows:
            held = {name: feature(value) for name, value in row.items()}
            example = tf.train.Example(features=tf.train.Features(feature=held))
            writer.write(example.SerializeToString())


WRITERS = {
    "CSVInput": write_csv,
    "ParquetInput": write_parquet,
    "TFRecordInput": write_tfrecord,
}


def write(folder: Path, kind: str, rows: Sequence[dict[str, Any]], *cuts: int) -> None:
    """Writes the rows into files that end at `cuts`."""
    folder.mkdir(exist_ok=True)
    for number, (first, last) in enumerate(zip((0, *cuts), (*cuts, len(rows)), strict=True)):
        WRITERS[kind](folder / f"part-{number}", rows[first:last])


def pipeline(kind: str, more: str = "", cache: str = "", features: str = FEATURES) -> Pipeline:
    """Returns a config of the features; `more` goes into data_config."""
    fields = "".join(
        f'input_fields {{ input_name: "{name}" input_type: {kind} }} '
        for name, kind in FIELDS.items()
    )
    data = f'input_type: {kind} label_fields: "clk" sample_weight: "weight" {fields} {more}'
    config = EasyRecConfig()
    groups = 'feature_groups { group_name: "all" feature_names: [] }'
    text = (
        f"data_config {{ {data} cache {{ {cache} }} }} feature_config {{ {features} }} "
        f'model_config {{ model_class: "DSSM" {groups} }}'
    )
    text_format.Parse(text, config)
    config.model_config.feature_groups[0].feature_names.extend(
        feature.feature_name or feature.input_names[0] for feature in config.feature_config.features
    )
    return Pipeline(config, ConfigSource("test.config", text))


def opened(found: Pipeline, folder: Path, **more: Any) -> BatchInput:
    """Returns the input of a config; item and user come along as raw columns.

    Where the config has a sampler, negatives have the feature of the item's id.
    """
    transform = FeatureTransform(found)
    training = more.pop("training", True)
    candidates = ("item",) if found.config.data_config.WhichOneof("sampler") else ()
    return BatchInput(found, str(folder), transform, ("item", "user"), candidates, training, **more)


def batches(source: BatchInput, size: int, drop: bool = False, **order: Any) -> list[list[bytes]]:
    """Returns each batch as the bytes and shapes of all its tensors."""
    return as_bytes(source.read(source.batches(size, ReadPlan(**order), drop)))


def as_bytes(found: Iterable[Batch]) -> list[list[bytes]]:
    return [
        [_bytes(part) for part in tf.nest.flatten(batch, expand_composites=True)] for batch in found
    ]


def positions(source: BatchInput, size: int, **order: Any) -> list[tuple[int, int]]:
    return [
        tuple(batch.position.numpy().tolist())
        for batch in source.read(source.batches(size, ReadPlan(**order)))
    ]


def _bytes(tensor: tf.Tensor | None) -> bytes:
    return b"" if tensor is None else tf.io.serialize_tensor(tensor).numpy()


def caches(folder: Path) -> list[Path]:
    """Returns the whole caches in the folder beside the data."""
    return sorted(folder.glob(".easyrec_cache/[!.]*"))
