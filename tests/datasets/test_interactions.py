"""Rows from users and their items in order of time."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from easyrec_lite.checks.columns import InputField
from easyrec_lite.core.errors import DataError
from easyrec_lite.data.tables.item_table import read_item_table
from easyrec_lite.datasets import __main__ as datasets
from easyrec_lite.datasets.interactions import make
from tests import commands

TEXT = "user_id\titem_ids\nu1\ti1 i2 i3 é i2\nu2\ti2 i1\nu3\ti9 i8 i7\n"


def rows(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text("utf-8").splitlines()]


def test_one_training_row_a_user(tmp_path: Path) -> None:
    source = tmp_path / "sequences.tsv.gz"
    source.write_bytes(gzip.compress(TEXT.encode()))
    out = tmp_path / "data"
    argv = ["interactions", "--input", str(source), "--out", str(out)]
    assert commands.run(datasets, argv) == 0
    assert rows(out / "train.csv") == [["u1", "i1|i2", "i3"], ["u2", "i2", "i1"], ["u3", "", "i9"]]
    assert rows(out / "valid.csv") == [["u1", "i1|i2|i3", "é"], ["u3", "i9", "i8"]]
    assert rows(out / "test.csv") == [["u1", "i1|i2|i3|é", "i2"], ["u3", "i9|i8", "i7"]]
    seen = [(user, item) for user, _, item in rows(out / "seen.csv")]
    assert seen == [("u1", i) for i in ("i1", "i2", "i3")] + [
        ("u2", "i2"),
        ("u2", "i1"),
        ("u3", "i9"),
    ]
    before_test = [(user, item) for user, _, item in rows(out / "seen_test.csv")]
    assert sorted(before_test) == sorted([*seen, ("u1", "é"), ("u3", "i8")])
    assert (out / "vocabulary.txt").read_text("utf-8").split() == [
        "i1",
        "i2",
        "i3",
        "i9",
        "i7",
        "i8",
        "é",
    ]
    table = read_item_table(out / "items.txt", [InputField("item_id", "STRING", b"")])
    assert dict(zip(table.ids.tolist(), table.weights.tolist(), strict=True)) == {
        "i1": 3.0,
        "i2": 3.0,
        "i3": 2.0,
        "i9": 2.0,
        "i7": 1.0,
        "i8": 1.0,
        "é": 1.0,
    }


def test_a_training_row_an_item(tmp_path: Path) -> None:
    source = tmp_path / "sequences.txt"
    source.write_text("a 1 2 3 4 5\n")
    make(source, tmp_path, most=2, every_position=True)
    assert rows(tmp_path / "train.csv") == [["a", "", "1"], ["a", "1", "2"], ["a", "1|2", "3"]]
    assert rows(tmp_path / "test.csv") == [["a", "3|4", "5"]]


def test_a_user_with_few_items_is_not_tested(tmp_path: Path) -> None:
    source = tmp_path / "sequences.txt"
    source.write_text("a 1 2 3 4\nb 1 2 3 4 5\n")
    make(source, tmp_path, least=5)
    assert rows(tmp_path / "train.csv") == [["a", "1|2|3", "4"], ["b", "1|2", "3"]]
    assert [row[0] for row in rows(tmp_path / "test.csv")] == ["b"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a 1 2\nb\n", [":2", "items"]),
        ("a 1\na 2\n", [":2", "'a'", "two"]),
        ("user_id\titem_ids\n", ["sequences.txt", "user"]),
    ],
)
def test_bad_lines_are_told(text: str, words: list[str], tmp_path: Path) -> None:
    source = tmp_path / "sequences.txt"
    source.write_text(text)
    with pytest.raises(DataError) as caught:
        make(source, tmp_path)
    for word in words:
        assert word in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.txt"):
        make(tmp_path / "nothing.txt", tmp_path)
