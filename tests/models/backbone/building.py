"""A small config around a backbone's text, and groups with values of the test's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline, loads
from easyrec_lite.core.errors import Problem
from easyrec_lite.data.rows.values import Bags, Dense, Ids
from easyrec_lite.models.backbone.compiled import CompiledBackbone
from easyrec_lite.models.backbone.embedding_layer import RawField
from easyrec_lite.models.backbone.groups import Sequences
from easyrec_lite.models.backbone.parse import parse_backbone

TEXT = """
model_dir: "m"
data_config {{
  label_fields: "y" input_type: CSVInput
  input_fields {{ input_name: "y" input_type: FLOAT }}
  input_fields {{ input_name: "a" }} input_fields {{ input_name: "b" }}
  input_fields {{ input_name: "c" }} input_fields {{ input_name: "id" }}
  input_fields {{ input_name: "tags" }} input_fields {{ input_name: "clicks" }}
}}
feature_config {{
  features {{ input_names: "a" feature_type: RawFeature raw_input_dim: 4 }}
  features {{ input_names: "b" feature_type: RawFeature raw_input_dim: 4 }}
  features {{ input_names: "c" feature_type: RawFeature raw_input_dim: 2 }}
  features {{ input_names: "id" feature_type: IdFeature embedding_dim: 4 num_buckets: 5 }}
  features {{ input_names: "tags" feature_type: TagFeature embedding_dim: 4 num_buckets: 6 }}
  features {{ input_names: "clicks" feature_type: SequenceFeature embedding_dim: 3 num_buckets: 9 }}
}}
model_config {{
  model_class: "MatchModel"
  feature_groups {{ group_name: "ab" feature_names: ["a", "b"] }}
  feature_groups {{ group_name: "abc" feature_names: ["a", "b", "c"] }}
  feature_groups {{ group_name: "c" feature_names: "c" }}
  feature_groups {{ group_name: "ids" feature_names: ["id", "tags"] }}
  feature_groups {{ group_name: "history" feature_names: ["clicks", "c"] }}
  feature_groups {{ group_name: "words" feature_names: "clicks" }}
  backbone {{
{backbone}
  }}
  model_params {{ }}
}}
"""


def pipeline(backbone: str) -> Pipeline:
    return loads(TEXT.format(backbone=backbone), "my.config")


def problems(backbone: str) -> list[Problem]:
    return parse_backbone(pipeline(backbone))[1]


def compiled(backbone: str, seed: int = 3) -> CompiledBackbone:
    config = pipeline(backbone)
    graph, found = parse_backbone(config)
    assert graph is not None, "\n".join(map(str, found))
    return CompiledBackbone(graph, View(config).feature_groups, config, seed)


class Groups:
    """Fixed random values; knows which groups were read."""

    def __init__(self, rows: int = 3, seed: int = 0):
        rng = np.random.default_rng(seed)
        self.a, self.b, self.c = (rng.normal(size=(rows, d)).astype("f") for d in (4, 4, 2))
        self.steps = rng.normal(size=(rows, 5, 3)).astype("f")
        self.ids = rng.integers(-1, 5, rows)
        self.tags = [[0, 5], [], [2, 2, 2]] * rows
        self.rows = rows
        self.read: set[str] = set()

    @property
    def ab(self) -> np.ndarray:
        return np.concatenate([self.a, self.b], -1)

    def fields(self, group: str) -> list[tf.Tensor]:
        self.read.add(group)
        return [tf.constant(getattr(self, name)) for name in group]

    def sequences(self, group: str) -> Sequences:
        self.read.add(group)
        lengths = tf.range(self.rows, dtype=tf.int64)
        return Sequences(tf.constant(self.steps), lengths, [tf.constant(self.c)])

    def raw(self, group: str) -> list[RawField]:
        self.read.add(group)
        if group == "ids":
            tags = tf.ragged.constant(self.tags[: self.rows], ragged_rank=1, dtype=tf.int64)
            ids = Ids(tf.constant(self.ids, tf.int64))
            return [RawField("id", ids, 5), RawField("tags", Bags(tags), 6)]
        return [RawField(name, Dense(tf.constant(getattr(self, name))), 0) for name in group]


def run(backbone: str, groups: Groups | None = None, training: bool = False) -> Any:
    """Returns the result of a backbone as numpy."""
    result = compiled(backbone)(groups or Groups(), training)
    return tf.nest.map_structure(lambda each: each.numpy(), result)
