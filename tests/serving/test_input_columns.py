"""Files that hold some columns: items alone, users that lack a column; folders of exports."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from easyrec_lite import build_index, predict, recommend
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.serving.folders import find_saved_model
from easyrec_lite.serving.item_vectors import read_ids, read_vectors
from tests import commands
from tests.serving.exported import BRANDS, IDS

USERS = [("3", "é|e"), ("4", ""), ("3", "z")]


def run(command: commands.Command, *arguments: object) -> int:
    return commands.run(command, [str(argument) for argument in arguments])


def write(path: Path, header: list[str], rows: list[tuple[str, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_all_columns_of_a_file_of_items(trained: Path, export: Path, tmp_path: Path) -> None:
    rows = [(brand, item, "red") for item, brand in zip(IDS, BRANDS, strict=True)]
    items = write(tmp_path / "items.csv", ["brand", "item_id", "colour"], rows)
    output = tmp_path / "out.csv"
    flags = ["--saved_model_dir", export, "--with_header", "--input_path", items]
    more = ["--model", "item_tower", "--reserved_cols", "ALL_COLUMNS", "--output_path", output]
    assert run(predict, *flags, *more) == 0
    found = read(output)
    assert list(found) == ["item_id", "brand", "item_tower_emb"]
    assert found["item_id"].tolist() == IDS
    assert found["brand"].tolist() == BRANDS
    vectors = [[float(x) for x in text.split(",")] for text in found["item_tower_emb"]]
    assert read_ids(export).tolist() == IDS
    np.testing.assert_allclose(vectors, read_vectors(export), atol=1e-6)


def test_all_columns_of_users_in_a_recommendation(export: Path, tmp_path: Path) -> None:
    rows = [(user, "Wien", history) for user, history in USERS]
    users = write(tmp_path / "users.csv", ["user_id", "city", "history"], rows)
    flags = ["--saved_model_dir", export, "--with_header", "--input_path", users, "--topk", 1]
    more = ["--reserved_cols", "ALL_COLUMNS", "--output_path", tmp_path / "out.csv"]
    assert run(recommend, *flags, *more) == 0
    found = read(tmp_path / "out.csv")
    assert [tuple(row) for row in found[["user_id", "city", "history"]].values] == rows


def recommended(export: Path, output: Path, *flags: object) -> pd.DataFrame:
    given = ["--saved_model_dir", export, "--topk", 3, "--output_path", output]
    assert run(recommend, *given, *flags) == 0
    return read(output)


def test_a_missing_column_is_an_error_unless_defaults_are_asked_for(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    users = write(tmp_path / "users.csv", ["user_id", "history"], USERS)
    users_json = json.dumps(
        [{"user_id": user, "history": history.split("|")} for user, history in USERS]
    )
    output = tmp_path / "out.csv"
    as_file = ["--with_header", "--input_path", users]
    for flags in (as_file, ["--user", users_json]):
        assert run(recommend, "--saved_model_dir", export, *flags) == 2
        error = capsys.readouterr().err
        assert "city" in error
        assert "--fill_missing" in error
    whole = [(user, "Wien", history) for user, history in USERS]
    filled = write(tmp_path / "filled.csv", ["user_id", "city", "history"], whole)
    expected = recommended(export, output, "--with_header", "--input_path", filled)
    for flags in (as_file, ["--user", users_json]):
        found = recommended(export, output, "--fill_missing", *flags)
        assert found.drop(columns="score").equals(expected.drop(columns="score"))
        scores = [float(score) for score in found["score"]]
        assert scores == pytest.approx(list(map(float, expected["score"])), abs=1e-5)


def test_predict_treats_missing_columns_alike(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    users = write(tmp_path / "users.csv", ["user_id", "history"], USERS)
    flags = ["--saved_model_dir", export, "--with_header", "--input_path", users]
    more = ["--model", "user_tower", "--output_path", tmp_path / "out.parquet"]
    assert run(predict, *flags, *more) == 2
    assert "city" in capsys.readouterr().err
    assert run(predict, *flags, *more, "--fill_missing", "--reserved_cols", "city,user_id") == 0
    table = pd.read_parquet(tmp_path / "out.parquet")
    assert table["city"].tolist() == ["Wien"] * 3
    tower = tf.saved_model.load(str(export / "user_tower")).signatures["serving_default"]
    vectors = tower(
        user_id=tf.constant([3, 4, 3], tf.int64),
        city=tf.constant(["Wien"] * 3),
        history=tf.constant([history for _, history in USERS]),
    )["user_tower_emb"]
    np.testing.assert_allclose(np.stack(table["user_tower_emb"]), vectors, atol=1e-6)


def test_an_input_without_any_of_the_columns_is_refused(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    users = write(tmp_path / "users.csv", ["uid", "town"], [("3", "Wien")])
    flags = ["--saved_model_dir", export, "--with_header", "--input_path", users]
    assert run(recommend, *flags, "--fill_missing") == 2
    assert "user_id" in capsys.readouterr().err


@pytest.fixture
def folder_of_exports(trained: Path, export: Path, tmp_path: Path) -> Path:
    """A folder as `export --export_dir` makes it, apart from any model folder."""
    shutil.copytree(export, tmp_path / "exports" / "5")
    return tmp_path / "exports"


def test_a_folder_of_exports_is_taken_without_a_config(
    trained: Path, folder_of_exports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--saved_model_dir", folder_of_exports]
    rows = ["--input_path", trained / "rows.csv"]
    assert run(predict, *flags, *rows, "--output_path", tmp_path / "scores.csv") == 0
    assert len(read(tmp_path / "scores.csv")) == 48
    assert run(recommend, *flags, "--user", "{}", "--fill_missing", "--topk", 1) == 0
    pytest.importorskip("faiss")
    assert run(build_index, *flags, "--recall_at", 2) == 0
    assert (folder_of_exports / "5" / "item_index.faiss").exists()


def test_the_newest_export_is_found_from_every_folder_above(trained: Path, export: Path) -> None:
    for folder in (export, export.parent, trained / "model" / "export", trained / "model"):
        assert find_saved_model(folder) == export / "scorer"
    with pytest.raises(ConfigError):
        find_saved_model(trained)


def test_a_column_of_seen_items_that_are_no_items_is_refused(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [("3", "Wien", "É|Z"), ("4", "Wien", "A B|É")] * 5
    users = write(tmp_path / "users.csv", ["user_id", "city", "history"], rows)
    flags = ["--saved_model_dir", export, "--with_header", "--input_path", users]
    output = tmp_path / "out.csv"
    more = ["--seen_column", "history", "--output_path", output]
    assert run(recommend, *flags, *more) == 2
    error = capsys.readouterr().err
    assert "20 of 20 ids" in error
    assert "case" in error
    assert str(users) in error
    assert not output.exists()
    users.write_text(users.read_text(encoding="utf-8").replace("A B", "a b"), encoding="utf-8")
    assert run(recommend, *flags, *more) == 0
    assert "case" in capsys.readouterr().err
