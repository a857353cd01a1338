from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from easyrec_lite.checks.columns import InputField
from easyrec_lite.config import ConfigSource, Pipeline
from easyrec_lite.core.errors import ConfigError, DataError
from easyrec_lite.data.tables.item_table import named_fields, read_item_table
from easyrec_lite.data.tables.item_table_writer import write_item_table, write_named_table
from easyrec_lite.protos.messages import EasyRecConfig

HEADER = "id:int64\tweight:float\tfeature:string\n"
CATE = InputField("cate", "STRING", b"")
PRICE = InputField("price", "INT32", 0)
NUMBER = InputField("item_id", "INT64", 0)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path, **options: Any) -> list[str]:
    with pytest.raises(DataError) as caught:
        read_item_table(path, [CATE, PRICE], **options)
    return [str(problem) for problem in caught.value.problems]


def test_values_keep_order_and_take_the_fields_types(tmp_path: Path) -> None:
    path = write(
        tmp_path / "items", HEADER + '7\t1.5\tкниги "a,b:3\n2\t0\t:\n9007199254740993\t2\tx:-4'
    )
    table = read_item_table(path, [CATE, PRICE])
    assert table.ids.tolist() == ["7", "2", "9007199254740993"]
    assert table.weights.tolist() == [1.5, 0.0, 2.0]
    assert table.attributes["cate"].tolist() == ['книги "a,b', "", "x"]
    assert table.attributes["price"].tolist() == [3, 0, -4]
    assert table.attributes["price"].dtype == np.int32
    assert len(table) == 3


def test_empty_cells_take_the_fields_default(tmp_path: Path) -> None:
    path = write(tmp_path / "items", HEADER + "1\t1\t:\n")
    attributes = [InputField("cate", "STRING", b"none"), InputField("price", "FLOAT", 2.5)]
    table = read_item_table(path, attributes)
    assert table.attributes["cate"].tolist() == ["none"]
    assert table.attributes["price"].tolist() == [2.5]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_endings_mark_and_other_header_names(tmp_path: Path, ending: str) -> None:
    lines = ["\ufeffid:string\tweight:double\tattrs:string", "a\t1\tc|5", "b\t2\td|6", ""]
    path = tmp_path / "items"
    path.write_bytes(ending.join(lines).encode())
    table = read_item_table(path, [CATE, PRICE], delimiter="|")
    assert table.attributes["cate"].tolist() == ["c", "d"]
    assert table.attributes["price"].tolist() == [5, 6]


def test_compressed(tmp_path: Path) -> None:
    path = tmp_path / "items.txt.gz"
    path.write_bytes(gzip.compress((HEADER + "1\t1\tc:5\n").encode()))
    assert read_item_table(path, [CATE, PRICE]).ids.tolist() == ["1"]


def test_every_bad_line_is_named_at_once(tmp_path: Path) -> None:
    lines = [
        "1\t-1\tc:1",
        "2\tnan\tc:1",
        "3\theavy\tc:1",
        "1\t1\tc:1",
        "\t1\tc:1",
        "5\t1\tc:1",
        "6\tinf\tc:2",
    ]
    found = problems(write(tmp_path / "items", HEADER + "\n".join(lines)))
    for line, word in [
        (2, "'-1'"),
        (3, "nan"),
        (4, "'heavy'"),
        (5, "which line 2 has"),
        (6, "empty"),
        (8, "inf"),
    ]:
        assert any(f"items:{line}:" in problem and word in problem for problem in found), (
            line,
            found,
        )
    assert not any("items:7:" in problem for problem in found)


def test_wrong_number_of_attributes(tmp_path: Path) -> None:
    found = problems(write(tmp_path / "items", HEADER + "1\t1\tc:1\n2\t1\tc\n3\t1\tc:1:2\n"))
    assert len(found) == 2
    assert "items:3:" in found[0]
    assert "2 attributes cate:price" in found[0]
    assert "3: 'c:1:2'" in found[1]


def test_attribute_of_the_wrong_type(tmp_path: Path) -> None:
    (found,) = problems(write(tmp_path / "items", HEADER + "1\t1\tc:1\n2\t1\tc:cheap\n"))
    assert "items:3: error: price" in found
    assert "'cheap'" in found
    assert "whole number" in found


def test_many_problems_are_capped_with_a_count(tmp_path: Path) -> None:
    found = problems(
        write(tmp_path / "items", HEADER + "".join(f"{i}\tx\tc:1\n" for i in range(100)))
    )
    assert len(found) == 21
    assert "80 more" in found[-1]


def test_torn_lines(tmp_path: Path) -> None:
    found = problems(write(tmp_path / "items", HEADER + "1\t1\n2\t1\tc:1\n3\t1\tc:1\t9\n"))
    assert ["items:2:" in found[0], "items:4:" in found[1]] == [True, True]


def test_integer_ids_compare_as_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "items", HEADER + "007\t1\tc:1\n-8\t1\tc:1\n")
    assert read_item_table(path, [CATE, PRICE], item=NUMBER).ids.tolist() == ["7", "-8"]
    assert read_item_table(path, [CATE, PRICE]).ids.tolist() == ["007", "-8"]
    path = write(tmp_path / "items", HEADER + "007\t1\tc:1\n7\t1\tc:1\n8a\t1\tc:1\n")
    found = problems(path, item=NUMBER)
    assert [("items:3:" in found[0], "items:4:" in found[1]), len(found)] == [(True, True), 2]


def test_an_id_that_is_no_number_is_told_once(tmp_path: Path) -> None:
    path = write(tmp_path / "items", HEADER + "6.0\t1\tc:1\n7.0\t1\tc:1\n0\t1\tc:1\n")
    found = problems(path, item=NUMBER)
    assert ["'6.0'" in found[0], "'7.0'" in found[1], len(found)] == [True, True, 2]


def test_a_table_in_parts_is_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "items"
    folder.mkdir()
    write(folder / "part-0", HEADER + "1\t1\tc:1\n2\t1\tc:1\n")
    write(folder / "part-1", HEADER)
    write(folder / "part-2", HEADER + "3\t2\td:5\n")
    for path in (folder, folder / "part-*", f"{folder}/part-0,{folder}/part-2"):
        table = read_item_table(path, [CATE, PRICE])
        assert table.ids.tolist() == ["1", "2", "3"]
        assert table.attributes["price"].tolist() == [1, 1, 5]
        place = table.place(2)
        assert (Path(place.file).name, place.line) == ("part-2", 2)
    write(folder / "part-1", HEADER + "4\t1\tc:1\n2\t1\tc:1\n")
    (found,) = problems(folder)
    assert all(part in found for part in ("part-1:3:", "'2'", "line 3", "part-0"))
    assert "part-9" in problems(f"{folder}/part-0,{folder}/part-9")[0]


def test_an_items_own_id_is_that_of_its_attributes(tmp_path: Path) -> None:
    path = write(tmp_path / "items", HEADER + "1\t1\t01:5\n2\t1\t3:5\n")
    with pytest.raises(DataError) as caught:
        read_item_table(path, [NUMBER, PRICE], item=NUMBER)
    (problem,) = caught.value.problems
    assert (problem.place.line, problem.path) == (3, "item_id")
    assert ["'3'" in problem.found, "'2'" in problem.found] == [True, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "empty"),
        (b"1\t1\tc:1\n", "no header"),
        (b"id:int64\tweight:float\n1\t1\n", "no header"),
        (HEADER.encode(), "no entry"),
        (HEADER.encode() + b"1\t1\t\xff\xfe:1\n", "UTF-8"),
    ],
)
def test_files_that_are_no_tables(tmp_path: Path, text: bytes, words: str) -> None:
    path = tmp_path / "items"
    path.write_bytes(text)
    (found,) = problems(path)
    assert words in found


def test_missing_file_and_empty_folder(tmp_path: Path) -> None:
    assert "make_item_table" in problems(tmp_path / "nowhere")[0]
    assert "no data files" in problems(tmp_path)[0]


def test_attributes_are_input_fields() -> None:
    config = EasyRecConfig()
    for name in ("cate", "price"):
        config.data_config.input_fields.add(input_name=name)
    pipeline = Pipeline(config, ConfigSource("c", ""))
    names = [field.name for field in named_fields(pipeline, ["price", "cate"], "data_config")]
    assert names == ["price", "cate"]
    with pytest.raises(ConfigError, match=r"nearest:  cate"):
        named_fields(pipeline, ["price", "cat"], "data_config")


def test_written_tables_read_back(tmp_path: Path) -> None:
    ids, cates = pa.array(["a", "b", "ц"]), pa.array(["x", "", "y z"])
    write_item_table(tmp_path / "t", ids, np.array([0.5, 2, 0]), [cates, pa.array(["1", "2", ""])])
    table = read_item_table(tmp_path / "t", [CATE, PRICE])
    assert table.ids.tolist() == ids.to_pylist()
    assert table.weights.tolist() == [0.5, 2, 0]
    assert table.attributes["cate"].tolist() == cates.to_pylist()
    assert table.attributes["price"].tolist() == [1, 2, 0]
    assert (tmp_path / "t").read_text().startswith("id:string\t")


def test_attributes_with_the_delimiter_are_not_written(tmp_path: Path) -> None:
    cells = [pa.array(["a:b", "c"]), pa.array(["1", "2"])]
    with pytest.raises(DataError, match="attr_delimiter"):
        write_item_table(tmp_path / "t", pa.array(["1", "2"]), np.ones(2), cells)
    assert not (tmp_path / "t").exists()
    write_item_table(tmp_path / "t", pa.array(["1", "2"]), np.ones(2), cells, delimiter="|")
    assert (tmp_path / "t").read_text() == HEADER + "1\t1\ta:b|1\n2\t1\tc|2\n"


NAMED = "id:int64\tweight:float\tprice\tcolour:string\tcate:string\n"


def test_a_header_that_names_the_attributes_says_where_they_are(tmp_path: Path) -> None:
    path = write(tmp_path / "items", NAMED + "7\t1.5\t3\tred\tx:y,z\n8\t2\t\tblue\t\n")
    table = read_item_table(path, [CATE, PRICE])
    assert table.ids.tolist() == ["7", "8"]
    assert table.weights.tolist() == [1.5, 2]
    assert table.attributes["cate"].tolist() == ["x:y,z", ""]
    assert table.attributes["price"].tolist() == [3, 0]
    assert read_item_table(path, [PRICE]).attributes["price"].tolist() == [3, 0]


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("id\tweight\tprice\tcolour", "'cate'"),
        ("id\tweight\tprice\tcates", "nearest:  cates"),
        ("id\tweight\tcate", "'price'"),
        ("id\tprice\tweight\tcate", "weight"),
        ("id\tweight\tprice\tcate\tcate", "once"),
    ],
)
def test_a_header_that_names_other_columns(tmp_path: Path, header: str, word: str) -> None:
    row = "\t".join(["1"] * len(header.split("\t")))
    with pytest.raises(DataError, match=word) as error:
        read_item_table(write(tmp_path / "items", f"{header}\n{row}\n"), [CATE, PRICE])
    assert error.value.problems[0].place.line == 1


def test_parts_of_a_named_table_have_one_header(tmp_path: Path) -> None:
    first = write(tmp_path / "a", "id\tweight\tcate\tprice\n1\t1\tx\t2\n")
    second = write(tmp_path / "b", "id:int64\tweight:float\tcate\tprice:int32\n2\t1\ty\t3\n")
    table = read_item_table(f"{first},{second}", [CATE, PRICE])
    assert table.attributes["price"].tolist() == [2, 3]
    other = write(tmp_path / "c", "id\tweight\tprice\tcate\n3\t1\t4\tz\n")
    with pytest.raises(DataError) as error:
        read_item_table(f"{first},{other}", [CATE, PRICE])
    assert error.value.problems[0].place.file == str(other)


def test_a_single_attribute_may_hold_the_delimiter(tmp_path: Path) -> None:
    ids, cells = pa.array(["1", "2"]), pa.array(["a:b", "c"])
    write_item_table(tmp_path / "t", ids, np.ones(2), [cells])
    table = read_item_table(tmp_path / "t", [CATE])
    assert table.attributes["cate"].tolist() == ["a:b", "c"]


def test_written_named_tables_read_back(tmp_path: Path) -> None:
    ids, cates = pa.array(["a", "ц"]), pa.array(["x:y", ""])
    columns = {"cate": cates, "price": pa.array(["1", ""])}
    write_named_table(tmp_path / "t", ids, np.array([0.5, 2]), columns)
    table = read_item_table(tmp_path / "t", [PRICE, CATE])
    assert table.attributes["cate"].tolist() == ["x:y", ""]
    assert table.attributes["price"].tolist() == [1, 0]
    with pytest.raises(DataError, match="tab"):
        write_named_table(tmp_path / "u", ids, np.ones(2), {"cate": pa.array(["a\tb", ""])})
