"""A step that is not finite: what is named, and where it stands in the data."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easyrec_lite.checks.check import load_config
from easyrec_lite.core.errors import RunError
from easyrec_lite.runs.estimator import Estimator

ROWS, BAD = 40, 23
CONFIG = """
train_input_path: "{data}"
model_dir: "{folder}/model"
train_config {{
  optimizer_config {{ adam_optimizer {{ learning_rate {{ constant_learning_rate {{
    learning_rate: 0.01 }} }} }} }}
  num_steps: 30 save_checkpoints_steps: 3 log_step_count_steps: 1
}}
data_config {{
  input_type: {kind} batch_size: 4 label_fields: "clk" shuffle: {shuffle} num_epochs: 9
  input_fields {{ input_name: "clk" input_type: INT32 }}
  input_fields {{ input_name: "user" input_type: INT64 }}
  input_fields {{ input_name: "item" input_type: INT64 }}
  input_fields {{ input_name: "price" input_type: FLOAT }}
}}
feature_config {{
  features {{ input_names: "user" feature_type: IdFeature embedding_dim: 4 num_buckets: 9 }}
  features {{ input_names: "item" feature_type: IdFeature embedding_dim: 4 num_buckets: 9 }}
  features {{
    input_names: "price" feature_type: RawFeature normalizer_fn: "lambda x: tf.math.log(x)"
  }}
}}
model_config {{
  model_class: "DSSM" loss_type: CLASSIFICATION num_class: 1
  feature_groups {{ group_name: "user" feature_names: ["user"] }}
  feature_groups {{ group_name: "item" feature_names: ["item", "price"] }}
  dssm {{
    user_tower {{ id: "user" dnn {{ hidden_units: [4] }} }}
    item_tower {{ id: "item" dnn {{ hidden_units: [4] }} }}
    simi_func: INNER_PRODUCT
  }}
}}
"""


def columns() -> dict[str, list[float]]:
    numbers = range(ROWS)
    return {
        "clk": [n % 2 for n in numbers],
        "user": [n % 7 for n in numbers],
        "item": [n % 5 for n in numbers],
        "price": [0.0 if n == BAD else 1.0 + n for n in numbers],
    }


@pytest.mark.parametrize(
    ("kind", "shuffle"), [("CSVInput", "false"), ("CSVInput", "true"), ("ParquetInput", "true")]
)
def test_a_feature_by_row_file_and_step(tmp_path: Path, kind: str, shuffle: str) -> None:
    """log(0) is minus infinity: a number that is good in the data, and bad once transformed."""
    data = tmp_path / "rows"
    if kind == "CSVInput":
        rows = zip(*columns().values(), strict=True)
        data.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    else:
        pq.write_table(pa.table(columns()), data, row_group_size=10)
    config = tmp_path / "a.config"
    config.write_text(CONFIG.format(data=data, folder=tmp_path, kind=kind, shuffle=shuffle))
    with pytest.raises(RunError) as caught:
        Estimator(load_config(config)).train()
    (problem,) = caught.value.problems
    assert problem.place.file == str(data)
    assert problem.place.line == BAD + 1
    assert "feature 'price', row " in problem.found
    assert "gradient of" not in problem.found
    if shuffle == "false":
        assert "step 6 is not finite" in problem.message
        assert f"row {BAD % 4 + 1} of the batch" in problem.found
