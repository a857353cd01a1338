from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easyrec_lite import make_item_table
from tests import commands

HEADER = "id:int64\tweight:float\tfeature:string\n"


def config(folder: Path, data: str = "train.csv", more: str = "", sampler: str = "") -> str:
    fields = [("clk", "INT32"), ("item", "STRING"), ("cate", "STRING"), ("price", "INT32")]
    listed = "\n".join(f"input_fields {{ input_name: '{n}' input_type: {t} }}" for n, t in fields)
    sampler = sampler or (
        f"negative_sampler {{ input_path: '{folder}/items.txt' num_sample: 2 item_id_field: 'item'"
        " attr_fields: 'item' attr_fields: 'price' attr_fields: 'cate' }"
    )
    path = folder / "it.config"
    path.write_text(
        f"model_dir: 'm' train_input_path: '{folder / data}' "
        "model_config { model_class: 'DSSM' }\n"
        f"data_config {{ label_fields: 'clk' {listed} {sampler} "
        f"{more or 'input_type: CSVInput'} }}\n"
    )
    return str(path)


ROWS = '1,7,"a,b",3\n0,8,,\n1,7,"a,b",3\n1,7,c,3\n0,,x,1\n1,9,d,2\n'


def test_weights_are_counts_to_a_power(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.csv").write_text(ROWS)
    assert commands.run(make_item_table, ["--config", config(tmp_path), "--power", "2"]) == 0
    expected = "7\t9\t7:3:c\n8\t1\t8::\n9\t1\t9:2:d\n"
    assert (tmp_path / "items.txt").read_text() == HEADER + expected
    printed = capsys.readouterr().out
    assert "6 rows, 3 items" in printed
    assert "1 items with different attributes" in printed
    assert "1 rows without an item id" in printed


def test_only_rows_with_the_label_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.csv").write_text(ROWS)
    out = tmp_path / "new" / "table.txt"
    flags = ["--label", "clk", "--power", "0", "--output", str(out)]
    assert commands.run(make_item_table, ["--config", config(tmp_path), *flags]) == 0
    assert out.read_text() == HEADER + "7\t1\t7:3:c\n8\t0\t8::\n9\t1\t9:2:d\n"
    assert "1 items have no row with clk above 0" in capsys.readouterr().out


def test_a_table_in_parts_needs_an_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.csv").write_text(ROWS)
    path = Path(config(tmp_path))
    path.write_text(path.read_text().replace("items.txt", "items/part-*"))
    assert commands.run(make_item_table, ["--config", str(path)]) == 2
    assert "--output" in capsys.readouterr().err
    out = tmp_path / "items" / "part-0"
    assert commands.run(make_item_table, ["--config", str(path), "--output", str(out)]) == 0
    assert out.read_text().startswith(HEADER)


def test_header_separator_and_compression(tmp_path: Path) -> None:
    text = 'cate\textra\titem\tprice\tclk\n"a\t-\tц\t\t1\n'
    (tmp_path / "train.csv.gz").write_bytes(gzip.compress(text.encode()))
    more = "input_type: CSVInputEx separator: '\\t' with_header: true"
    assert commands.run(make_item_table, ["--config", config(tmp_path, "train.csv.gz", more)]) == 0
    written = (tmp_path / "items.txt").read_text().splitlines()
    assert written == ["id:string\tweight:float\tfeature:string", 'ц\t1\tц::"a']


def test_the_data_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.csv").write_text(ROWS)
    (tmp_path / "link").symlink_to(tmp_path / "train.csv")
    for output in ("train.csv", "link"):
        flags = ["--output", str(tmp_path / output)]
        assert commands.run(make_item_table, ["--config", config(tmp_path), *flags]) == 2
        assert f"{tmp_path}/{output}" in capsys.readouterr().err
        assert (tmp_path / "train.csv").read_text() == ROWS


def test_several_files_and_whole_number_ids(tmp_path: Path) -> None:
    for name, rows in [("a.csv", "1,7,x,1\n"), ("b.csv", "1,007,y,1\n")]:
        (tmp_path / name).write_text(rows)
    path = config(tmp_path, "[ab].csv")
    edit = ["--data_config.input_fields[1].input_type", "INT64"]
    assert commands.run(make_item_table, ["--config", path, "--power", "1", *edit]) == 0
    assert (tmp_path / "items.txt").read_text() == HEADER + "7\t2\t007:1:y\n"


def test_parquet(tmp_path: Path) -> None:
    table = {"clk": [1, 0], "item": ["7", "7"], "cate": [["a", "b"], None], "price": [1, None]}
    pq.write_table(pa.table(table), tmp_path / "t.parquet")
    path = config(tmp_path, "t.parquet", "input_type: ParquetInput")
    assert commands.run(make_item_table, ["--config", path, "--power", "1"]) == 0
    assert (tmp_path / "items.txt").read_text() == HEADER + "7\t2\t7::\n"


def test_whatever_is_read_without_tensorflow_is_counted(tmp_path: Path) -> None:
    table = {"clk": [1], "item": ["7"], "cate": ["a"], "price": [1]}
    pq.write_table(pa.table(table), tmp_path / "t.parquet")
    path = config(tmp_path, "t.parquet", "input_type: ParquetInputV3")
    assert commands.run(make_item_table, ["--config", path, "--power", "1"]) == 0
    assert (tmp_path / "items.txt").read_text() == HEADER + "7\t1\t7:1:a\n"


@pytest.mark.parametrize(
    ("rows", "flags", "words"),
    [
        ("1,7,a\n", [], "train.csv:1"),
        ("1,7,a:b,3\n", [], "attr_delimiter"),
        ("1,,a,3\n", [], "no row has a value of item"),
        ("one,7,a,3\n", ["--label", "clk"], "'one'"),
        (ROWS, ["--label", "click"], "nearest:  clk"),
        (ROWS, ["--power", "nan"], "--power"),
        (ROWS, ["--train_input_path", "nowhere.csv"], "nowhere.csv"),
        (ROWS, ["--data_config.input_type", "DummyInput"], "DummyInput"),
    ],
)
def test_what_cannot_be_done_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: str, flags: list[str], words: str
) -> None:
    (tmp_path / "train.csv").write_text(rows)
    assert commands.run(make_item_table, ["--config", config(tmp_path), *flags]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "items.txt").exists()


def test_no_sampler(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        commands.run(make_item_table, ["--config", config(tmp_path, sampler="shuffle: false")]) == 2
    )
    assert "neither a negative sampler nor features of items" in capsys.readouterr().err


def test_command_does_not_import_tensorflow() -> None:
    code = "import sys, easyrec_lite.make_item_table; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
