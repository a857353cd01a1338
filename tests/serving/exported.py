"""A tiny run of users and items, some with names in other scripts, trained and exported once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from easyrec_lite.checks.check import load_config
from easyrec_lite.config import Pipeline

CONFIG = """
train_input_path: "{data}/rows.csv"
eval_input_path: "{data}/rows.csv"
model_dir: "{data}/model"
train_config {{
  optimizer_config {{ adam_optimizer {{ learning_rate {{ constant_learning_rate {{
    learning_rate: 0.05 }} }} }} }}
  num_steps: 5
}}
eval_config {{ metrics_set {{ recall_at_topk {{ topk: 1 }} }} }}
data_config {{
  input_type: CSVInput batch_size: 16 label_fields: "clk"
  input_fields {{ input_name: "clk" input_type: INT32 }}
  input_fields {{ input_name: "user_id" input_type: INT64 }}
  input_fields {{ input_name: "city" default_val: "Wien" }}
  input_fields {{ input_name: "history" }}
  input_fields {{ input_name: "item_id" }}
  input_fields {{ input_name: "brand" }}
  input_fields {{ input_name: "score" input_type: INT32 }}
  negative_sampler {{
    input_path: "{data}/items.txt" num_sample: 4 item_id_field: "item_id"
    attr_fields: ["item_id", "brand", "score"]
  }}
}}
feature_config {{
  features {{ input_names: "user_id" feature_type: IdFeature embedding_dim: 8 num_buckets: 9 }}
  features {{ input_names: "city" feature_type: IdFeature embedding_dim: 8 hash_bucket_size: 99 }}
  features {{
    input_names: "history" feature_type: TagFeature embedding_dim: 8 hash_bucket_size: 99
    separator: "|"
  }}
  features {{
    input_names: "item_id" feature_type: IdFeature embedding_dim: 8 hash_bucket_size: 99
  }}
  features {{ input_names: "brand" feature_type: IdFeature embedding_dim: 8 hash_bucket_size: 99 }}
}}
model_config {{
  model_class: "DSSM" loss_type: SOFTMAX_CROSS_ENTROPY
  feature_groups {{ group_name: "user" feature_names: ["user_id", "city", "history"] }}
  feature_groups {{ group_name: "item" feature_names: ["item_id", "brand"] }}
  dssm {{
    user_tower {{ id: "user_id" dnn {{ hidden_units: [8, 4] }} }}
    item_tower {{ id: "item_id" dnn {{ hidden_units: [8, 4] }} }}
    simi_func: COSINE temperature: 0.1 item_id: "item_id"
  }}
}}
"""
IDS = [
    "商品一",
    "商品二",
    "naïve",
    "ёлка",
    "a b",
    "é",
    "e",
    "42",
    "007",
    "x|y",
    "ありがとう",
    "z",
    "z2",
]
BRANDS = [f"marque {'àéîõ'[row % 4]}" for row in range(len(IDS))]
CITIES = ["Wien", "北京", "København", "Łódź", ""]


def write_data(folder: Path) -> None:
    """Writes 48 rows and the item table; each user likes two of the items."""
    rng = np.random.default_rng(5)
    lines = []
    for row in range(48):
        user, item = row % 8, (row % 8 + 5 * (row % 2)) % len(IDS)
        history = "|".join(IDS[at] for at in rng.choice(7, row % 4, replace=False))
        lines.append(f"1,{user},{CITIES[user % 5]},{history},{IDS[item]},{BRANDS[item]},{item}")
    (folder / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    items = "".join(
        f"{item}\t1\t{item}:{brand}:{row}\n"
        for row, (item, brand) in enumerate(zip(IDS, BRANDS, strict=True))
    )
    header = "id:string\tweight:float\tfeature:string\n"
    (folder / "items.txt").write_text(header + items, encoding="utf-8")


def pipeline(folder: Path, **edits: object) -> Pipeline:
    """Returns the checked config on the data in `folder`; `edits` by config path."""
    file = folder / "tiny.config"
    file.write_text(CONFIG.format(data=folder), encoding="utf-8")
    return load_config(file, edits)
