"""Lists in Parquet, from the item table to predictions: the same numbers as of their text forms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easyrec_lite import Estimator, check, evaluate, make_item_table, predict, recommend
from tests import commands

ITEMS, USERS, ROWS = 12, 6, 48
CONFIG = """
train_input_path: "{data}/rows.parquet" eval_input_path: "{data}/rows.parquet"
model_dir: "{data}/model"
train_config {{
  optimizer_config {{ adam_optimizer {{ learning_rate {{ constant_learning_rate {{
    learning_rate: 0.05 }} }} }} }}
  num_steps: 6
}}
eval_config {{ metrics_set {{ recall_at_topk {{ topk: 1 }} }} }}
data_config {{
  input_type: ParquetInput batch_size: 16 label_fields: "clk"
  input_fields {{ input_name: "clk" input_type: INT32 }}
  input_fields {{ input_name: "user_id" input_type: INT64 }}
  input_fields {{ input_name: "history" }}
  input_fields {{ input_name: "recent" {number} }}
  input_fields {{ input_name: "item_id" }}
  input_fields {{ input_name: "vector" {decimal} }}
  input_fields {{ input_name: "shops" {number} }}
  input_fields {{ input_name: "colours" }}
  negative_sampler {{
    input_path: "{data}/items.txt" num_sample: 4 item_id_field: "item_id"
    attr_fields: ["item_id", "vector", "shops", "colours"]
  }}
}}
feature_config {{
  features {{ input_names: "user_id" feature_type: IdFeature embedding_dim: 4 num_buckets: 9 }}
  features {{ input_names: "history" feature_type: TagFeature embedding_dim: 4
    hash_bucket_size: 99 separator: ";" }}
  features {{ input_names: "recent" feature_type: TagFeature embedding_dim: 4
    num_buckets: 50 separator: "|" }}
  features {{ input_names: "item_id" feature_type: IdFeature embedding_dim: 4
    hash_bucket_size: 99 }}
  features {{ input_names: "vector" feature_type: RawFeature raw_input_dim: 3 separator: "," }}
  features {{ input_names: "shops" feature_type: TagFeature embedding_dim: 4
    num_buckets: 50 separator: "/" }}
  features {{ input_names: "colours" feature_type: TagFeature embedding_dim: 4
    hash_bucket_size: 99 separator: "," }}
}}
model_config {{
  model_class: "DSSM" loss_type: SOFTMAX_CROSS_ENTROPY
  feature_groups {{ group_name: "user" feature_names: ["user_id", "history", "recent"] }}
  feature_groups {{ group_name: "item" feature_names: ["item_id", "vector", "shops", "colours"] }}
  dssm {{
    user_tower {{ id: "user_id" dnn {{ hidden_units: [8, 4] }} }}
    item_tower {{ id: "item_id" dnn {{ hidden_units: [8, 4] }} }}
    simi_func: COSINE temperature: 0.1 item_id: "item_id"
  }}
}}
"""
SEPARATORS = {"history": ";", "recent": "|", "vector": ",", "shops": "/", "colours": ","}


def rows() -> dict[str, list]:
    """Rows with lists of all lengths, empty and null ones, and numbers that need all digits."""
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(ITEMS, 3)).astype(np.float32)
    vectors[1] = np.float32(1e-8), np.float32(1 / 3), np.float32(3e7)
    items = [
        {
            "item_id": f"i{number}",
            "vector": None if number == 3 else vectors[number].tolist(),
            "shops": [0, 7, 49][: number % 4],
            "colours": None if number == 5 else ["rot", "grün", "blå"][: number % 3],
        }
        for number in range(ITEMS)
    ]
    users = [
        {"user_id": user, "history": [f"i{user}", "é"][: user % 3], "recent": [4, 0, 9][: user % 4]}
        for user in range(USERS)
    ]
    made = [
        {"clk": 1, **users[row % USERS], **items[(row * 5 + row // 12) % ITEMS]}
        for row in range(ROWS)
    ]
    return {name: [row[name] for row in made] for name in made[0]}


def tables() -> Iterator[tuple[str, dict[str, pa.Array]]]:
    """Yields the rows with lists, and with the texts that stand for them."""
    columns = rows()
    # pyarrow before 20 cannot write a null among lists of a fixed size.
    size = 3 if int(pa.__version__.partition(".")[0]) >= 20 else -1
    types = {
        "history": pa.list_(pa.dictionary(pa.int8(), pa.string())),
        "recent": pa.large_list(pa.int64()),
        "vector": pa.list_(pa.float32(), size),
        "shops": pa.list_(pa.int32()),
        "colours": pa.list_(pa.string()),
    }
    yield "lists", {name: pa.array(cells, types.get(name)) for name, cells in columns.items()}
    for name, separator in SEPARATORS.items():
        columns[name] = [
            None if cell is None else separator.join(map(_shortest, cell)) for cell in columns[name]
        ]
    yield "texts", {name: pa.array(cells) for name, cells in columns.items()}


def _shortest(value: object) -> str:
    return str(np.float32(value)) if isinstance(value, float) else str(value)


def run(command: commands.Command, *flags: object) -> int:
    return commands.run(command, [str(flag) for flag in flags])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A trained model on lists, and one on their texts."""
    made = {}
    for form, columns in tables():
        folder = tmp_path_factory.mktemp(form)
        pq.write_table(pa.table(columns), folder / "rows.parquet")
        listed = form == "lists"
        types = {"number": "input_type: INT64", "decimal": "input_type: FLOAT"} if listed else {}
        config = folder / "c.config"
        types = {"number": "", "decimal": "", **types}
        config.write_text(CONFIG.format(data=folder, **types), encoding="utf-8")
        flags = ["--config", config]
        assert run(make_item_table, *flags) == 0
        assert run(check, *flags, "--data") == 0
        estimator = Estimator(str(config))
        estimator.train()
        estimator.export()
        made[form] = folder
    return made


def test_the_item_tables_are_the_same(folders: dict[str, Path]) -> None:
    lists, texts = (pd.read_csv(folders[form] / "items.txt", sep="\t") for form in folders)
    assert lists.iloc[:, :2].equals(texts.iloc[:, :2])
    cells = [table.iloc[:, 2].str.split(":", expand=True) for table in (lists, texts)]
    assert cells[0][[0, 2, 3]].equals(cells[1][[0, 2, 3]])
    vectors = [
        [[np.float32(x) for x in cell.split(",") if x] for cell in table[1]] for table in cells
    ]
    assert vectors[0] == vectors[1]
    assert [] in vectors[0]


def predicted(folder: Path, suffix: str, *flags: object) -> pd.DataFrame:
    output = folder / f"out{suffix}"
    given = ["--saved_model_dir", folder / "model", "--input_path", folder / "rows.parquet"]
    assert run(predict, *given, "--output_path", output, *flags) == 0
    if suffix == ".parquet":
        return pd.read_parquet(output)
    return pd.read_csv(output, dtype=str, keep_default_na=False)


def test_predictions_are_the_same(folders: dict[str, Path]) -> None:
    lists, texts = (predicted(folders[form], ".parquet", "--batch_size", 7) for form in folders)
    assert len(lists) == ROWS
    for name in ("logits", "user_tower_emb", "item_tower_emb"):
        found, expected = (np.stack(table[name].to_numpy()) for table in (lists, texts))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_copied_lists_are_text_in_text_and_lists_in_parquet(folders: dict[str, Path]) -> None:
    flags = ["--reserved_cols", "shops,colours,recent", "--output_cols", "logits"]
    text = predicted(folders["lists"], ".csv", *flags)
    given = pa.table(dict(tables())["texts"]).to_pandas()
    for name in ("shops", "colours", "recent"):
        assert text[name].tolist() == given[name].fillna("").tolist()
    listed = predicted(folders["lists"], ".parquet", *flags)
    expected = [list(cell or []) for cell in rows()["shops"]]
    assert [list(cell) for cell in listed["shops"]] == expected


def test_rankings_are_the_same(folders: dict[str, Path]) -> None:
    results = []
    for folder in folders.values():
        config = folder / "model" / "pipeline.config"
        flags = ["--config", config, "--full_ranking", "--topk", 3, "--user_id", "user_id"]
        assert run(evaluate, *flags) == 0
        report = json.loads((folder / "model" / "ranking.json").read_text(encoding="utf-8"))
        assert report["protocol"]["items"] == ITEMS
        results.append(report["rows"])
    assert results[0] == results[1] != []


def test_recommendations_are_the_same_from_files_and_json(folders: dict[str, Path]) -> None:
    found = []
    user = {"user_id": 5, "history": ["i5", "é"], "recent": [4]}
    text = {"user_id": 5, "history": "i5;é", "recent": "4"}
    for folder in folders.values():
        output = folder / "recommended.csv"
        given = ["--saved_model_dir", folder / "model", "--topk", 4, "--output_path", output]
        for flags in (
            ["--input_path", folder / "rows.parquet", "--seen_column", "history"],
            ["--user", json.dumps([user, text])],
        ):
            more = ["--seen_separator", ";"]
            assert run(recommend, *given, *flags, *more) == 0
            found.append(pd.read_csv(output)["item_id"].tolist())
    assert found[0] == found[2]
    assert found[1] == found[3]
    assert found[1][:4] == found[1][4:]


def test_lists_that_text_cannot_hold_are_refused(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = dict(tables())["lists"]
    torn = [["a,b"]] + [["a"]] * (ROWS - 1)
    pq.write_table(pa.table({**columns, "colours": torn}), tmp_path / "rows.parquet")
    config, path = folders["lists"] / "c.config", tmp_path / "rows.parquet"
    flags = ["--config", config, "--train_input_path", path, "--output", tmp_path / "items.txt"]
    assert run(make_item_table, *flags) == 2
    error = capsys.readouterr().err
    assert f"{path}:1" in error
    assert "colours" in error
    assert not (tmp_path / "items.txt").exists()
    given = ["--saved_model_dir", folders["lists"] / "model", "--input_path", path]
    assert run(predict, *given, "--model", "item_tower", "--output_path", tmp_path / "o.csv") == 2
    assert "'a,b'" in capsys.readouterr().err
