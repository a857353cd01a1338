"""TensorFlow's own command-line client calls the exported towers in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf

from easyrec_lite import predict
from easyrec_lite.config import load
from easyrec_lite.models.assembly import build
from easyrec_lite.models.retrieval.task import retrieval_of
from easyrec_lite.training.weights import load_weights
from tests import commands
from tests.e2e.conftest import Trained
from tests.e2e.running import SavedModel, read_rows

CLIENT = str(Path(sys.executable).with_name("saved_model_cli"))
ROWS = 50
SIGNATURE = ["--tag_set", "serve", "--signature_def", "serving_default"]


def client(*arguments: object) -> str:
    command = [CLIENT, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_client_gets_the_vectors_of_training_time(
    listwise: Trained, synthetic: Path, tmp_path: Path
) -> None:
    rows = {name: column[:ROWS] for name, column in read_rows(synthetic / "test.csv").items()}
    parts = build(load(listwise.export / "pipeline.config"))
    load_weights(listwise.checkpoint, parts.model, False)
    model = retrieval_of(parts.model)
    columns = {name: tf.constant(column.tolist()) for name, column in rows.items()}
    towers = {
        "user_tower": (
            parts.features_of(model.user_groups),
            lambda values: model.user_vectors(values).vectors[:, 0],
        ),
        "item_tower": (parts.features_of(model.item_groups), model.item_vectors),
    }
    for tower, (features, vectors) in towers.items():
        folder = listwise.export / tower
        wanted = set(parts.transform.input_fields(features))
        shown = client("show", "--dir", folder, *SIGNATURE)
        assert {line.split("'")[1] for line in shown.splitlines() if "inputs['" in line} == wanted
        inputs = tmp_path / f"{tower}.npz"
        np.savez(inputs, **{name: rows[name].astype(bytes) for name in wanted})
        given = ";".join(f"{name}={inputs}[{name}]" for name in sorted(wanted))
        client("run", "--dir", folder, *SIGNATURE, "--inputs", given, "--outdir", tmp_path)
        found = np.load(tmp_path / f"{tower}_emb.npy")
        expected = vectors(parts.transform(columns, features)).numpy()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_the_scorer_has_easyrecs_outputs(listwise: Trained, synthetic: Path) -> None:
    rows = {name: column[:ROWS] for name, column in read_rows(synthetic / "test.csv").items()}
    found = SavedModel(listwise.export / "scorer")(rows)
    names = {"logits", "probs", "user_tower_emb", "item_tower_emb", "user_emb", "item_emb"}
    assert set(found) == names
    np.testing.assert_allclose(found["probs"], 1 / (1 + np.exp(-found["logits"])), rtol=1e-4)
    joined = [[float(number) for number in text.split(b",")] for text in found["user_emb"]]
    np.testing.assert_allclose(joined, found["user_tower_emb"], rtol=1e-4, atol=1e-6)


def test_predict_writes_what_the_scorer_gives(
    listwise: Trained, synthetic: Path, tmp_path: Path
) -> None:
    lines = (synthetic / "test.csv").read_text(encoding="utf-8").splitlines()[:ROWS]
    rows = tmp_path / "rows.csv"
    rows.write_text("\n".join(lines).replace(lines[0].split(",")[8], "用户", 1) + "\n", "utf-8")
    flags = [f"--saved_model_dir={listwise.export}", f"--input_path={rows}", "--batch_size=7"]
    for name in ("out.csv", "out.parquet"):
        more = [f"--output_path={tmp_path / name}", "--reserved_cols=user_id,price"]
        assert commands.run(predict, [*flags, *more]) == 0
    text = pd.read_csv(tmp_path / "out.csv", dtype={"user_id": str})
    table = pd.read_parquet(tmp_path / "out.parquet")
    expected = SavedModel(listwise.export / "scorer")(read_rows(rows))
    for found in (text, table):
        assert found["user_id"][0] == "用户"
        assert len(found) == ROWS
        np.testing.assert_allclose(found["logits"], expected["logits"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        np.stack(table["user_tower_emb"]), expected["user_tower_emb"], atol=1e-6
    )


def test_one_row_and_an_unknown_output(listwise: Trained, synthetic: Path, tmp_path: Path) -> None:
    rows = tmp_path / "row.csv"
    rows.write_text((synthetic / "test.csv").read_text(encoding="utf-8").splitlines()[0], "utf-8")
    flags = [f"--saved_model_dir={listwise.export}", f"--input_path={rows}"]
    flags.append(f"--output_path={tmp_path / 'one.csv'}")
    assert commands.run(predict, [*flags, "--model=user_tower"]) == 0
    assert len(pd.read_csv(tmp_path / "one.csv")) == 1
    assert commands.run(predict, [*flags, "--output_cols=logit"]) == 2
    assert len(pd.read_csv(tmp_path / "one.csv")) == 1
