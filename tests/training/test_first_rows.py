"""What the first rows tell before any training; `check --data` and `train` alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from easyrec_lite import check as check_command
from easyrec_lite import train as train_command
from tests import commands
from tests.config.base_config import LISTWISE, POINTWISE, replaced

HEADER = "id:string\tweight:float\tattrs:string\n"


pytestmark = pytest.mark.usefixtures("no_report")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(item: str = "i{}", city: str = "a", age: int = 3, user: bytes = b"u1") -> None:
    lines = [
        b"1," + user + f",{city},x|y,{age},{item.format(row)},c1,1.5".encode() for row in range(20)
    ]
    Path("train.csv").write_bytes(b"\n".join(lines) + b"\n")


def items(item: str = "i{}", cate: str = "c1") -> None:
    lines = [f"{item.format(row)}\t1\t{item.format(row)}:{cate}:2.5" for row in range(20)]
    Path("items.txt").write_text(HEADER + "\n".join(lines) + "\n")


def both(text: str, capsys: pytest.CaptureFixture[str]) -> tuple[list[int], list[str]]:
    """Returns the exit codes of `check --data` and `train`, and what they print."""
    Path("my.config").write_text(text, encoding="utf-8")
    codes, printed = [], []
    for command, flags in (
        (check_command, ["--data"]),
        (
            train_command,
            ["--train_config.num_steps=2", "--export_config.exporter_type=none"],
        ),
    ):
        codes.append(commands.run(command, ["--config", "my.config", *flags]))
        captured = capsys.readouterr()
        printed.append(captured.out + captured.err)
    return codes, printed


def test_values_that_no_feature_knows_are_counted_and_shown(folder, capsys) -> None:
    rows(city="A", age=9)
    codes, printed = both(POINTWISE, capsys)
    assert codes == [0, 0]
    for text in printed:
        city = next(line for line in text.splitlines() if "values of city" in line)
        for word in ("train.csv", "100.0%", "20", "upper and lower case"):
            assert word in city
        assert "found:    'A'" in text
        assert "100.0% of the first 20 values of age" in text
        assert "from 0 to 8" in text


def test_known_values_are_not_mentioned(folder, capsys) -> None:
    rows()
    items()
    codes, printed = both(LISTWISE, capsys)
    assert codes == [0, 0]
    assert not any("of the first 20" in text for text in printed)


def test_ids_that_do_not_join_stop_training_before_it_begins(folder, capsys) -> None:
    rows()
    items("I{}")
    codes, printed = both(LISTWISE, capsys)
    assert codes == [2, 2]
    for text in printed:
        for word in ("item_id", "items.txt", "upper and lower case", "'I0'", "'i0'"):
            assert word in text
    assert not Path("run/pipeline.config").exists()


def test_a_bad_table_is_found_by_check_too(folder, capsys) -> None:
    rows()
    items(cate="c1:c2")
    codes, printed = both(LISTWISE, capsys)
    assert codes == [2, 2]
    assert all("items.txt:2: error: number of attributes" in text for text in printed)


def test_an_attribute_that_a_feature_cannot_read_has_its_line(folder, capsys) -> None:
    rows()
    items()
    text = replaced(
        LISTWISE,
        'input_names: "cate" feature_type: IdFeature embedding_dim: 8 hash_bucket_size: 20',
        'input_names: "cate" feature_type: IdFeature embedding_dim: 8 num_buckets: 20',
    )
    rows_text = Path("train.csv").read_text().replace(",c1,", ",1,")
    Path("train.csv").write_text(rows_text)
    table = Path("items.txt").read_text().replace(":c1:", ":1:")
    Path("items.txt").write_text(table.replace("i7:1:", "i7:one:"))
    codes, printed = both(text, capsys)
    assert codes == [2, 2]
    assert all("items.txt:9: error: cate: 'one'" in out for out in printed)


def test_text_in_another_encoding_is_shown_with_its_place(folder, capsys) -> None:
    rows(user="商品".encode("gbk"))
    codes, printed = both(POINTWISE, capsys)
    assert codes == [0, 0]
    for text in printed:
        assert "train.csv:1: warning: user_id" in text
        assert "iconv -f GB18030" in text


def test_a_ranking_table_without_the_items_of_the_rows(folder, capsys) -> None:
    rows()
    items()
    Path("other.txt").write_text(HEADER + "I1\t1\tI1:c1:2.5\n")
    ranked = "eval_config {\n  full_ranking { item_path: 'other.txt' }\n"
    text = replaced(LISTWISE, "eval_config {\n", ranked)
    codes, printed = both('eval_input_path: "train.csv"\n' + text, capsys)
    assert codes == [2, 2]
    assert all("other.txt" in out and "item_id" in out for out in printed)


@pytest.mark.parametrize(
    ("header", "code", "word"),
    [
        ("id\tweight\tprice\tsize\tcate\titem_id", 0, ""),
        ("id\tweight\tprice\tsize\tkate\titem_id", 2, "cate"),
        ("id\tweight\tcate\tsize\tprice\titem_id", 2, "items.txt:2"),
    ],
)
def test_a_ranking_table_is_read_by_the_names_in_its_header(
    folder: Path, header: str, code: int, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows()
    lines = [f"i{row}\t1\t2.5\tXL\tc1\ti{row}" for row in range(20)]
    Path("items.txt").write_text("\n".join([header, *lines]) + "\n")
    ranked = "eval_config {\n  full_ranking { item_path: 'items.txt' item_id: 'item_id' }\n"
    text = 'eval_input_path: "train.csv"\n' + replaced(POINTWISE, "eval_config {\n", ranked)
    Path("my.config").write_text(text, encoding="utf-8")
    assert commands.run(check_command, ["--config", "my.config", "--data"]) == code
    printed = capsys.readouterr()
    assert word in printed.out + printed.err
