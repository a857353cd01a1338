"""Example users: who they are, what they took, and the same recommendations as `recommend`."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from easyrec_lite.checks.check import load_config
from easyrec_lite.config import Pipeline
from easyrec_lite.reporting import users
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.id_columns import ListColumn, id_columns
from easyrec_lite.reporting.page import page
from easyrec_lite.reporting.sections import examples as examples_section
from easyrec_lite.reporting.users import find_examples
from easyrec_lite.serving.recommendations import RecommendationOptions, Recommendations
from easyrec_lite.serving.users import User
from tests.reporting import made
from tests.reporting.reading import parse, section, tables

COLUMNS = ["clk", "user_id", "city", "history", "item_id", "brand", "score"]
MANIFEST = {"items": {"id_column": "item_id"}}


def rows(pipeline: Pipeline) -> list[dict[str, str]]:
    with Path(pipeline.config.eval_input_path).open(encoding="utf-8", newline="") as file:
        return [dict(zip(COLUMNS, row, strict=True)) for row in csv.reader(file)]


def export(pipeline: Pipeline) -> Path:
    return Path(pipeline.config.model_dir, "export", "final", "6")


@pytest.fixture
def copied(trained: Pipeline, tmp_path: Path) -> Path:
    """The folder of the run, to be changed."""
    folder = tmp_path / "run"
    shutil.copytree(Path(trained.config.model_dir).parent, folder)
    return folder


def test_users_have_the_history_of_their_first_row(trained: Pipeline) -> None:
    first: dict[str, dict[str, str]] = {}
    taken = defaultdict(list)
    for row in rows(trained):
        first.setdefault(row["user_id"], row)
        taken[row["user_id"]].append(row["item_id"])
    found = find_examples(trained, export(trained))
    assert found.history.split()[-1] == "history"
    assert [user.id for user in found.users] == sorted(
        first, key=lambda name: not first[name]["history"]
    )[:5]
    for user in found.users:
        assert user.history == [item for item in first[user.id]["history"].split("|") if item]
        assert user.taken == taken[user.id]


def test_recommendations_are_those_of_recommend(trained: Pipeline) -> None:
    found = find_examples(trained, export(trained))
    recommend = Recommendations(export(trained), RecommendationOptions(10))
    for user in found.users:
        (expected,) = recommend.of_users([User(user.columns, (), ())])
        assert user.items.to_pylist() == expected.drop_columns(["row"]).to_pylist()
        assert user.items.num_rows == 10


def test_without_a_history_column_the_training_rows_tell(copied: Path) -> None:
    pipeline = made.config(copied)
    lines = [row | {"history": "no|such|items"} for row in rows(pipeline)]
    lines[9]["clk"] = "0"
    (copied / "rows.csv").write_text(
        "".join(",".join(_quoted(row[name]) for name in COLUMNS) + "\n" for row in lines), "utf-8"
    )
    found = find_examples(pipeline, export(pipeline))
    assert "training data" in found.history
    for user in found.users:
        own = [row for row in lines if row["user_id"] == user.id and row["clk"] == "1"]
        assert user.history == user.taken == [row["item_id"] for row in own]


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def test_few_rows_and_few_candidates(trained: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "ROWS", 3)
    monkeypatch.setattr(users, "BATCH", 3)
    assert sorted(user.id for user in find_examples(trained, export(trained)).users) == [
        "0",
        "1",
        "2",
    ]
    monkeypatch.setattr(users, "CANDIDATES", 2)
    assert len(find_examples(trained, export(trained)).users) == 2


def test_no_positive_row(copied: Path) -> None:
    pipeline = made.config(copied)
    lines = (copied / "rows.csv").read_text("utf-8").splitlines()
    (copied / "rows.csv").write_text("".join(f"0{line[1:]}\n" for line in lines), "utf-8")
    shown = parse(page(ModelFolder(Path(pipeline.config.model_dir), pipeline)))
    assert "no row with a positive label" in section(shown, "examples").text


def test_the_section_joins_the_items_columns(trained: Pipeline) -> None:
    text = page(ModelFolder(Path(trained.config.model_dir), trained))
    found = section(parse(text), "examples")
    by_caption = tables(found)
    brands = {row["item_id"]: row["brand"] for row in rows(trained)}
    for user in find_examples(trained, export(trained)).users:
        listed = by_caption[f"Recommended to user {user.id}"]
        expected = user.items.to_pylist()
        assert [row["item_id"] for row in listed] == [row["item_id"] for row in expected]
        assert [row["score"] for row in listed] == [row["score"] for row in expected]
        assert [row["brand"] for row in listed] == [row["brand"] for row in expected]
        for row in listed:
            assert row["brand"] == brands.get(row["item_id"], row["brand"])
            marks = ("taken" if row["item_id"] in user.taken else "") + (
                "in history" if row["item_id"] in user.history else ""
            )
            assert row[""] == marks
        if user.history:
            (rows_,) = [
                rows_
                for caption, rows_ in by_caption.items()
                if caption.startswith(f"History of user {user.id}: all, in the order of")
            ]
            assert [row["item_id"] for row in rows_] == user.history
        missed = set(user.taken) - {row["item_id"] for row in expected}
        assert all(item in found.text for item in missed)
    assert made.HOSTILE[0] in found.text
    assert made.HOSTILE[0] not in text


def test_an_export_without_items(copied: Path) -> None:
    pipeline = made.config(copied)
    shutil.rmtree(export(pipeline) / "recommender")
    shown = parse(page(ModelFolder(Path(pipeline.config.model_dir), pipeline)))
    assert "python -m easyrec_lite.export" in section(shown, "examples").text


def test_ids_in_a_cell() -> None:
    assert ListColumn("a", "|", "").ids(b"x||y|") == ["x", "y"]
    assert ListColumn("a", "|", ":").ids("x:0.5|y:2") == ["x", "y"]
    assert ListColumn("a", "|", "").ids([b"x|y", 7, b""]) == ["x|y", "7"]
    assert ListColumn("a", "|", "").ids("标题".encode()) == ["标题"]


@pytest.mark.parametrize(
    ("edits", "user"),
    [
        ({}, "user_id"),
        ({"model_config.dssm_senet.user_tower.id": "city"}, "city"),
        ({"model_config.dssm_senet.user_tower.id": "no_column"}, "city"),
    ],
)
def test_who_the_user_is(tmp_path: Path, edits: dict[str, Any], user: str) -> None:
    made.write_data(tmp_path)
    found = id_columns(made.config(tmp_path, **edits), MANIFEST)
    assert (found.user, found.item, found.label) == (user, "item_id", "clk")
    assert [column.name for column in found.lists] == ["history"]


def test_who_the_user_is_in_a_backbone() -> None:
    found = id_columns(load_config("dssm_senet_on_taobao_backbone.config"), MANIFEST)
    assert found.user == "user_id"
    assert [column.name for column in found.lists] == ["tag_category_list", "tag_brand_list"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [("OLDEST_FIRST", "last 10"), ("NEWEST_FIRST", "last 10"), ("", "first 10")],
)
def test_histories_are_shown_in_the_order_that_the_config_states(
    trained: Pipeline, order: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = sorted({row["item_id"] for row in rows(trained)})
    cell = [ids[place % len(ids)] for place in range(12)]
    monkeypatch.setattr(users.ListColumn, "ids", lambda self, given: list(cell))
    chosen = ListColumn("history", "|", "", order)
    monkeypatch.setattr(users, "_history_column", lambda *given: chosen)
    examples = find_examples(trained, export(trained))
    table = examples_section._history(examples.users[0], examples)
    shown = [row[0] for row in table.rows]
    newest = {"OLDEST_FIRST": cell[2:], "NEWEST_FIRST": cell[:10][::-1], "": cell[:10]}
    assert shown == newest[order]
    assert f"the {expected} of 12" in table.caption
    assert ("newest last" in table.caption) == bool(order)
