"""An exported user tower gives a user the same vector alone and beside longer histories."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from easyrec_lite.config import loads
from easyrec_lite.models.assembly import build
from easyrec_lite.serving.export import export_models
from easyrec_lite.serving.recommender import USER_VECTORS
from easyrec_lite.serving.saved_model import SavedModel
from tests.models.backbone.test_padding import (
    ATTENTION,
    CNN,
    DIN,
    FIRST_TOKEN,
    MEAN,
    bst,
    expression,
    layer,
    transformer,
)

READERS = {
    "gru": [layer("GRU", units=4)],
    "attention": [ATTENTION, MEAN],
    "lambda": [expression("tf.reduce_mean(x, axis=1)")],
    "text_cnn": [CNN],
    "transformer": [
        layer("Dense", units=6),
        transformer("TransformerBlock", "vocab_size: 1"),
        expression("x[:, 0]"),
    ],
}
BLOCKS = "\n".join(
    f"""
    blocks {{ name: "{name}"
      inputs {{ block_name: "seq" input_slice: "[0]" }}
      {" ".join(f"layers {{ {each} }}" for each in layers)} }}"""
    for name, layers in READERS.items()
)
BLOCKS += "\n".join(
    f"""
    blocks {{ name: "{name}" inputs {{ block_name: "seq" }} {each} }}"""
    for name, each in {"din": DIN, "bst": bst("")}.items()
)
BLOCKS += f"""
    blocks {{ name: "text" inputs {{ block_name: "ids" }}
      {transformer("TextEncoder", f"vocab_size: 9 max_position_embeddings: 25 {FIRST_TOKEN}")} }}"""
READ = " ".join(f'inputs {{ block_name: "{name}" }}' for name in [*READERS, "din", "bst", "text"])
CONFIG = f"""
model_dir: "run" train_input_path: "train.csv" eval_input_path: "train.csv"
train_config {{ num_steps: 3
  optimizer_config {{ adam_optimizer {{ learning_rate {{
    constant_learning_rate {{ learning_rate: 0.01 }} }} }} }} }}
eval_config {{ metrics_set {{ recall_at_topk {{ topk: 2 }} }} }}
data_config {{ batch_size: 8 input_type: CSVInput label_fields: "clk" with_header: true
  input_fields {{ input_name: "clk" input_type: INT32 }}
  input_fields {{ input_name: "history" }} input_fields {{ input_name: "item" }}
  input_fields {{ input_name: "last" }} }}
feature_config {{
  features {{ input_names: "history" feature_type: SequenceFeature sub_feature_type: IdFeature
    embedding_dim: 4 num_buckets: 9 separator: ";" max_seq_len: 20 embedding_name: "clicks" }}
  features {{ input_names: "last" feature_type: IdFeature embedding_dim: 4 num_buckets: 9
    embedding_name: "clicks" }}
  features {{ input_names: "item" feature_type: IdFeature embedding_dim: 4 num_buckets: 9 }} }}
model_config {{ model_class: "MatchModel" loss_type: SOFTMAX_CROSS_ENTROPY
  feature_groups {{ group_name: "user" feature_names: ["history", "last"] }}
  feature_groups {{ group_name: "words" feature_names: "history" }}
  feature_groups {{ group_name: "item" feature_names: "item" }}
  backbone {{
    blocks {{ name: "seq" inputs {{ feature_group_name: "user" }}
      input_layer {{ output_seq_and_normal_feature: true }} }}
    blocks {{ name: "ids" inputs {{ feature_group_name: "words" }} raw_input {{ }} }}
    {BLOCKS}
    blocks {{ name: "user_tower" {READ}
      keras_layer {{ class_name: "MLP" mlp {{ hidden_units: 4 use_final_bn: false
        activation: "tanh" final_activation: "linear" use_bn: false }} }} }}
    blocks {{ name: "item_tower" inputs {{ feature_group_name: "item" }}
      keras_layer {{ class_name: "MLP" mlp {{ hidden_units: 4 use_final_bn: false
        final_activation: "linear" }} }} }}
    output_blocks: ["user_tower", "item_tower"]
  }}
  model_params {{ user_tower_idx_in_output: 0 item_tower_idx_in_output: 1 }} }}
"""


def test_a_user_alone_equals_the_user_beside_longer_histories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    histories = [";".join(map(str, rng.integers(0, 9, n))) for n in (0, 1, 2, 3, 7, 20, 25, 1)]
    pd.DataFrame({"clk": 1, "history": histories, "item": range(8), "last": range(8)}).to_csv(
        "train.csv", index=False
    )
    export = export_models(build(loads(CONFIG)), tmp_path / "export", step=0)
    tower = SavedModel(export / "user_tower")
    last = [str(row) for row in range(8)]
    together = tower(history=tf.constant(histories), last=tf.constant(last))[USER_VECTORS]
    assert np.isfinite(together).all()
    assert len(np.unique(np.round(together, 4), axis=0)) >= 7
    for row, history in enumerate(histories):
        alone = tower(history=tf.constant([history]), last=tf.constant(last[row : row + 1]))
        alone = alone[USER_VECTORS]
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-5, atol=1e-6)
