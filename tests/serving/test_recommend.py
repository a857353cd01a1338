"""The command: users as JSON and as files, compared with the exact top-K of exported vectors."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from easyrec_lite import build_index, recommend
from tests import commands
from tests.serving.exported import BRANDS, IDS
from tests.serving.ranking import exact

Rows = list[dict[str, str]]


def run(*arguments: object) -> int:
    return commands.run(recommend, [str(argument) for argument in arguments])


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def users_in(path: Path) -> dict[str, list]:
    rows = list(csv.reader(path.open(encoding="utf-8")))
    cities = [row[2] or "Wien" for row in rows]
    users = {"user_id": [int(row[1]) for row in rows], "city": cities}
    return {**users, "history": [row[3] for row in rows]}


def test_a_file_of_users(trained: Path, export: Path, tmp_path: Path) -> None:
    data, output = trained / "rows.csv", tmp_path / "out.csv"
    arguments = ["--saved_model_dir", trained / "model", "--input_path", data]
    more = ["--seen_column", "history", "--seen", "z", "--reserved_cols", "user_id,item_id"]
    assert run(*arguments, "--topk", 4, "--batch_size", 7, *more, "--output_path", output) == 0
    users, found = users_in(data), rows_of(output)
    seen = [["z", *history.split("|")] for history in users["history"]]
    ids, scores = exact(export, users, seen)
    expected = [(at, rank) for at in range(48) for rank in range(4)]
    assert [(int(r["row"]) - 1, int(r["rank"]) - 1) for r in found] == expected
    assert [row["item_id"] for row in found] == [ids[at][rank] for at, rank in expected]
    assert [float(row["score"]) for row in found] == pytest.approx(
        [scores[at][rank] for at, rank in expected], abs=1e-5
    )
    for row in found:
        item = IDS.index(row["item_id"])
        assert (row["brand"], row["item_score"]) == (BRANDS[item], str(item))
    assert [int(row["user_id"]) for row in found[::4]] == users["user_id"]
    assert "user_item_id" in found[0]


def test_json_gives_what_the_file_gives(trained: Path, export: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.parquet"
    users = [{"user_id": 3, "city": "北京", "history": "é|e", "seen_item_ids": ["ёлка"]}, {}]
    arguments = ["--saved_model_dir", export, "--user", json.dumps(users)]
    more = ["--seen", '["商品一", "x|y"]', "--topk", 5, "--reserved_cols", "city", "--fill_missing"]
    assert run(*arguments, *more, "--output_path", output) == 0
    table = pq.read_table(output).to_pydict()
    columns = {"user_id": [3, 0], "city": ["北京", "Wien"], "history": ["é|e", ""]}
    ids, _ = exact(export, columns, [["商品一", "x|y", "ёлка"], ["商品一", "x|y"]])
    assert table["item_id"] == ids[0][:5] + ids[1][:5]
    assert table["row"] == [1] * 5 + [2] * 5
    assert table["city"] == ["北京"] * 5 + ["Wien"] * 5


def test_printed_with_notes(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    user = '{"user_id": 3, "brand": "x"}'
    flags = ["--saved_model_dir", export, "--user", user, "--seen", "é,nobody,nothing"]
    assert run(*flags, "--topk", 20, "--fill_missing") == 0
    printed = capsys.readouterr()
    ids = [line.split()[2] for line in printed.out.splitlines()[1:]]
    assert len(ids) == 12
    assert "商品一" in ids
    assert "é" not in ids
    assert "brand is not read by the user tower" in printed.err
    assert "city='Wien', history=''" in printed.err
    assert "users with fewer than 20 items, as no more are left: 1" in printed.err
    assert "2 seen ids are not among the 13 items: 'nobody', 'nothing'" in printed.err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--user", '{"usr_id": 1}'], "nearest:  user_id"),
        (
            ["--user", "{}", "--fill_missing", "--reserved_cols", "item_id"],
            "no column of the user tower 'item_id'",
        ),
        (["--user", "{}", "--topk", "0"], "0 is not a positive whole number"),
        (["--user", "{}", "--seen", "[1"], "broken JSON"),
        (["--user", "{}", "--input_path", "x"], "not allowed with"),
        ([], "--user --input_path is required"),
        (["--input_path", "nowhere.csv"], "nowhere.csv"),
        (["--input_path", "{rows}", "--seen_column", "histori"], "nearest:  history"),
    ],
)
def test_mistakes(
    trained: Path, flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = [flag.replace("{rows}", str(trained / "rows.csv")) for flag in flags]
    assert run("--saved_model_dir", trained / "model", *flags) == 2
    assert message in capsys.readouterr().err


def test_no_export(tmp_path: Path, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = trained / "tiny.config"
    assert run("--config", config, "--saved_model_dir", tmp_path, "--user", "{}") == 2
    assert "export the model first" in capsys.readouterr().err


@pytest.mark.parametrize("module", [recommend, build_index])
def test_help_needs_no_tensorflow(module: object) -> None:
    name = module.__name__  # type: ignore[attr-defined]
    code = (
        f"import sys, {name} as command\n"
        "try: command.parser().parse_args(['--help'])\n"
        "except SystemExit: pass\n"
        "assert 'tensorflow' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--saved_model_dir" in done.stdout
