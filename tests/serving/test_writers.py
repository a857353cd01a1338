"""Delimited text and Parquet of predictions: what was written is read again exactly."""

from __future__ import annotations

import csv
import random
from argparse import ArgumentTypeError
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from easyrec_lite.core.errors import DataError
from easyrec_lite.runs.command_line import separator
from easyrec_lite.serving.writers import TextDialect, arrow_table, open_writer

CHARACTERS = ",;|\t\"'\\ \r\n=+-@0é手\U0001f600"
DIALECT = TextDialect()


def written(path: Path, *tables: pa.Table, dialect: TextDialect = DIALECT) -> Path:
    with open_writer(path, path, dialect) as writer:
        for table in tables:
            writer.write(table)
    return path


def read(path: Path, separator: str = ",") -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=separator))


def texts(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choices(CHARACTERS, k=draw.randrange(6))) for _ in range(count)]


@pytest.mark.parametrize("separator", [",", "\t", "|", "\x01", "手"])
def test_texts_are_read_again(tmp_path: Path, separator: str) -> None:
    columns = {name: texts(400, seed) for seed, name in enumerate(["a,b", 'c"d', "e"])}
    table = arrow_table({name: tf.constant(cells) for name, cells in columns.items()})
    dialect = TextDialect(separator)
    path = written(tmp_path / "out.csv", table[:250], table[250:], dialect=dialect)
    header, *rows = read(path, separator)
    assert header == list(columns)
    assert rows == [list(row) for row in zip(*columns.values(), strict=True)]
    if separator == ",":
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        assert frame.to_dict("list") == columns


def test_one_column_with_empty_cells(tmp_path: Path) -> None:
    path = written(tmp_path / "out.csv", arrow_table({"s": tf.constant(["", "a", ""])}))
    assert read(path) == [["s"], [""], ["a"], [""]]


def test_numbers_are_read_again(tmp_path: Path) -> None:
    bits = np.random.default_rng(0).integers(0, 2**64, 3000, np.uint64)
    doubles, floats = bits.view(np.float64), bits.astype(np.uint32).view(np.float32)
    columns = {
        "d": np.where(np.isfinite(doubles), doubles, -0.0),
        "f": np.where(np.isfinite(floats), floats, np.float32(0.1)),
        "i": bits.view(np.int64),
    }
    table = arrow_table({name: tf.constant(values) for name, values in columns.items()})
    _, *rows = read(written(tmp_path / "out.csv", table))
    for at, values in enumerate(columns.values()):
        found = np.array([row[at] for row in rows], object).astype(values.dtype)
        assert found.tobytes() == values.tobytes()


def test_vectors_and_lists(tmp_path: Path) -> None:
    columns = {
        "v": tf.constant([[0.1, -2.0], [3.0, 4.0]]),
        "k": tf.constant([[[1.0], [2.5]], [[3.0], [4.0]]]),
        "t": tf.ragged.constant([["a,b", "手"], []], dtype=tf.string, ragged_rank=1),
        "n": tf.ragged.constant([[], [-1, 2]], dtype=tf.int64, ragged_rank=1),
    }
    _, *rows = read(written(tmp_path / "out.csv", arrow_table(columns)))
    assert rows == [["0.100000001,-2", "1|2.5", "a,b|手", ""], ["3,4", "3|4", "", "-1,2"]]
    whole = pq.read_table(written(tmp_path / "out.parquet", arrow_table(columns)))
    assert whole["t"].to_pylist() == [["a,b", "手"], []]


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    cells = ["手,机".encode("gbk"), b"\\xd3", b"a"]
    table = arrow_table({"user_id": tf.constant(cells)})
    path = written(tmp_path / "out.csv", table[:2], table[2:])
    assert path.read_bytes() == b'user_id\n"' + cells[0] + b'"\n' + cells[1] + b"\na\n"
    with pytest.raises(DataError) as told:
        written(tmp_path / "out.parquet", table)
    (problem,) = told.value.problems
    assert problem.path == "user_id"
    assert repr(cells[0]) in problem.found


def test_formulas_are_guarded(tmp_path: Path) -> None:
    guarded = ["=1+2", "+a", "-", "-1-2", "@SUM(A1)", "\tx", "\r=1", "-0x1"]
    plain = ["", "a=1", "-0.5", "+7", "-1e3", "'=1", "'", " =1", "0"]
    columns = {"=s": guarded + plain, "n": np.linspace(-8.5, 7.5, 17)}
    table = arrow_table({name: tf.constant(cells) for name, cells in columns.items()})
    vectors = {"v": tf.constant([[-0.5, 1.0]] * 17)}
    table = table.append_column("v", arrow_table(vectors)["v"])
    path = tmp_path / "out.csv"
    header, *rows = read(written(path, table, dialect=TextDialect(guard=True)))
    assert header == ["'=s", "n", "v"]
    assert [row[0] for row in rows] == [f"'{text}" for text in guarded] + plain
    assert [float(row[1]) for row in rows] == columns["n"].tolist()
    assert {row[2] for row in rows} == {"-0.5,1"}
    assert [row[0] for row in read(written(path, table))][1:] == guarded + plain


def test_separators() -> None:
    assert [separator(text) for text in (",", r"\t", r"\x01", "手", "\\\\")] == [
        *(",", "\t", "\x01", "手", "\\"),
    ]
    for text in ("", ",,", '"', r"\n", "\r"):
        with pytest.raises(ArgumentTypeError):
            separator(text)
