"""Two good configs, and bad ones made of them by replacing a piece."""

from __future__ import annotations

from easyrec_lite.checks.check import check
from easyrec_lite.config import loads
from easyrec_lite.core.errors import Problem

DATA = """\
train_input_path: "train.csv"
model_dir: "run"
train_config {
  optimizer_config {
    adam_optimizer { learning_rate { constant_learning_rate { learning_rate: 0.01 } } }
  }
  num_steps: 10
}
eval_config {
  metrics_set { auc {} }
}
data_config {
  batch_size: 8
  label_fields: "clk"
  input_type: CSVInput
  input_fields { input_name: "clk" input_type: INT32 }
  input_fields { input_name: "user_id" }
  input_fields { input_name: "city" }
  input_fields { input_name: "tags" }
  input_fields { input_name: "age" input_type: INT32 default_val: "3" }
  input_fields { input_name: "item_id" }
  input_fields { input_name: "cate" }
  input_fields { input_name: "price" input_type: FLOAT }
}
feature_config {
  features { input_names: "user_id" feature_type: IdFeature embedding_dim: 8 hash_bucket_size: 100 }
  features { input_names: "city" feature_type: IdFeature embedding_dim: 8 vocab_list: ["a", "b"] }
  features { input_names: "tags" feature_type: TagFeature embedding_dim: 8 hash_bucket_size: 50 }
  features { input_names: "age" feature_type: IdFeature embedding_dim: 8 num_buckets: 9 }
  features { input_names: "item_id" feature_type: IdFeature embedding_dim: 8 hash_bucket_size: 90 }
  features { input_names: "cate" feature_type: IdFeature embedding_dim: 8 hash_bucket_size: 20 }
  features { input_names: "price" feature_type: RawFeature embedding_dim: 8 boundaries: [1, 2.5] }
}
"""
GROUPS = """\
  feature_groups { group_name: "user"
    feature_names: ["user_id", "city", "tags", "age"] }
  feature_groups { group_name: "item"
    feature_names: ["item_id", "cate", "price"] }
"""
POINTWISE = f"""{DATA}model_config {{
  model_class: "DSSM_SENet"
{GROUPS}
  dssm_senet {{
    user_tower {{ id: "user_id"
      senet {{ reduction_ratio: 2 num_squeeze_group: 2 }}
      dnn {{ hidden_units: [16, 4] }} }}
    item_tower {{ id: "item_id"
      senet {{ reduction_ratio: 2 num_squeeze_group: 2 }}
      dnn {{ hidden_units: [12, 4] }} }}
    simi_func: COSINE
  }}
}}
export_config {{ exporter_type: "final" }}
"""
SAMPLER = """\
  negative_sampler {
    input_path: "items.txt"
    num_sample: 16
    attr_fields: ["item_id", "cate", "price"]
    item_id_field: "item_id"
  }
}
feature_config {"""
_LISTWISE_DATA = DATA.replace("auc {}", "recall_at_topk { topk: 5 }").replace(
    "}\nfeature_config {", SAMPLER
)
LISTWISE = f"""{_LISTWISE_DATA}model_config {{
  model_class: "DAT"
  loss_type: SOFTMAX_CROSS_ENTROPY
{GROUPS}
  feature_groups {{ group_name: "user_id_augment" feature_names: "user_id" }}
  feature_groups {{ group_name: "item_id_augment" feature_names: "item_id" }}
  dat {{
    user_tower {{ id: "user_id" dnn {{ hidden_units: [16, 8] }} }}
    item_tower {{ id: "item_id" dnn {{ hidden_units: [12, 8] }} }}
    temperature: 0.1
  }}
}}
"""
BACKBONE = f"""{_LISTWISE_DATA}model_config {{
  model_class: "MatchModel"
  loss_type: SOFTMAX_CROSS_ENTROPY
{GROUPS}
  backbone {{
    blocks {{ name: "user_mlp" inputs {{ feature_group_name: "user" }}
      keras_layer {{ class_name: "MLP" mlp {{ hidden_units: 4 }} }} }}
    blocks {{ name: "item_mlp" inputs {{ feature_group_name: "item" }}
      keras_layer {{ class_name: "MLP" mlp {{ hidden_units: 4 }} }} }}
    output_blocks: ["user_mlp", "item_mlp"]
  }}
  model_params {{ user_tower_idx_in_output: 0 item_tower_idx_in_output: 1 }}
}}
"""


def problems(text: str) -> list[Problem]:
    """Returns what is said against a config of this text."""
    return check(loads(text, "my.config"))


def replaced(text: str, old: str, new: str) -> str:
    """Returns `text` with the one occurrence of `old` replaced."""
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
    return text.replace(old, new)


def report_at(text: str, marker: str) -> str:
    """Returns what is said about the line that holds `marker`."""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if marker in line]
    assert len(lines) == 1, f"{marker!r} is on lines {lines}"
    return "\n".join(str(found) for found in problems(text) if found.place.line == lines[0])


def assert_reported(text: str, marker: str, *pieces: str) -> None:
    """Asserts that the report about the line with `marker` holds all `pieces`."""
    report = report_at(text, marker)
    missing = [piece for piece in pieces if piece not in report]
    everything = "\n".join(map(str, problems(text)))
    assert not missing, f"missing {missing}; on that line:\n{report}\n\nall:\n{everything}"
