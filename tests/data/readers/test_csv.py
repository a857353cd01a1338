from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.config.expressions import compile_expression
from easyrec_lite.core.errors import ConfigError, DataError, Place
from easyrec_lite.data.readers.base import Reader, open_reader
from easyrec_lite.data.readers.scan import good_rows, scan
from tests.data.reading import column, failure, pipeline, read


def csv_reader(
    folder: Path, content: bytes | str, fields: str, more: str = "", input_type: str = "CSVInput"
) -> Reader:
    file = folder / "rows.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_reader(pipeline(fields, more, input_type), str(file), training=True)


def rows(reader: Reader) -> list[tuple]:
    """Returns the rows, their cells in the order of `reader.fields`."""
    batches = [columns for columns, _ in read(reader, 1000)]
    names = [field.name for field in reader.fields]
    return [row for cells in batches for row in zip(*(cells[n] for n in names), strict=True)]


ALL = "i:INT32=-1 l:INT64 s:STRING=none f:FLOAT d:DOUBLE=2.5 b:BOOL=true"


@pytest.mark.parametrize("input_type", ["CSVInput", "CSVInputV2", "CSVInputEx"])
def test_types_and_defaults(tmp_path: Path, input_type: str) -> None:
    text = "1,9007199254740993,é,0.5,0.1,False\n,,,,,\n -2 ,-1,x,1e3,.5,0\n"
    reader = csv_reader(tmp_path, text, ALL, input_type=input_type)
    assert rows(reader) == [
        (1, 9007199254740993, "é".encode(), 0.5, 0.1, False),
        (-1, 0, b"none", 0.0, 2.5, True),
        (-2, -1, b"x", 1000.0, 0.5, False),
    ]
    columns, _ = next(iter(reader.batches(2)))
    dtypes = [tf.int32, tf.int64, tf.string, tf.float32, tf.float64, tf.bool]
    assert [columns[field.name].dtype for field in reader.fields] == dtypes
    assert [field.dtype for field in reader.fields] == dtypes


def test_quotes_are_those_of_csv(tmp_path: Path) -> None:
    reader = csv_reader(tmp_path, '"a,b","say ""hi"""\n"",\'x\'\ny,""\n', "a b:STRING=d")
    assert rows(reader) == [(b"a,b", b'say "hi"'), (b"", b"'x'"), (b"y", b"d")]


def test_plain_split_takes_quotes_as_they_are(tmp_path: Path) -> None:
    reader = csv_reader(tmp_path, '"a,b"\nx"y,\n', "a b:STRING=d", input_type="CSVInputEx")
    assert rows(reader) == [(b'"a', b'b"'), (b'x"y', b"d")]


@pytest.mark.parametrize(
    ("written", "byte"),
    [(r"\t", "\t"), (r"\\t", "\t"), (r"\001", "\x01"), (r"\\001", "\x01"), (r"\\u0002", "\x02")],
)
@pytest.mark.parametrize("input_type", ["CSVInput", "CSVInputEx"])
def test_separators(tmp_path: Path, input_type: str, written: str, byte: str) -> None:
    more = f'separator: "{written}"'
    reader = csv_reader(tmp_path, f"a,b{byte}2\n", "a n:INT32", more, input_type)
    assert rows(reader) == [(b"a,b", 2)]


def test_header_orders_the_columns_of_each_field(tmp_path: Path) -> None:
    reader = csv_reader(tmp_path, "\ufeffz,b, a\n9,1,x\n9,,y\n", "a b:INT32=5", "with_header: true")
    assert read(reader, 4) == [({"a": [b"x", b"y"], "b": [1, 5]}, (0, 2))]


def test_header_is_skipped_in_every_file(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv.gz").write_bytes(gzip.compress(b"a,b\r\n3,4\r\n"))
    config = pipeline("b:INT32", "with_header: true")
    assert column(open_reader(config, str(tmp_path), training=True), "b") == [2, 4]


def test_header_without_a_wanted_column_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rows\.csv:1: .*'user_id'(.|\n)*nearest: +userid"):
        csv_reader(tmp_path, "userid,b\n1,2\n", "user_id b", "with_header: true")


def test_a_column_that_nobody_asks_for_may_lack_in_the_header(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("b\n7\n")
    config = pipeline("label:INT32 b:INT32", "with_header: true")
    reader = open_reader(config, str(file), training=False, columns=["b"])
    assert read(reader, 4) == [({"b": [7]}, (0, 1))]


@pytest.mark.parametrize("header", ["a,b,a", "b,c"])
def test_broken_or_differing_headers(tmp_path: Path, header: str) -> None:
    (tmp_path / "1.csv").write_text("b,a\n1,2\n")
    (tmp_path / "2.csv").write_text(f"{header}\n1,2,3\n")
    with pytest.raises(DataError, match=r"2\.csv:1: "):
        open_reader(pipeline("b", "with_header: true"), str(tmp_path), training=True)


def test_line_ends_marks_and_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_bytes(b"\xef\xbb\xbf1,x\r\n\r\n2,y\r\n\r\n")
    (tmp_path / "2.csv").write_bytes(b"\xef\xbb\xbf3,z\n\n4,w")
    reader = open_reader(pipeline("n:INT32 s"), str(tmp_path), training=True)
    assert rows(reader) == [(1, b"x"), (2, b"y"), (3, b"z"), (4, b"w")]


def test_bytes_are_kept(tmp_path: Path) -> None:
    reader = csv_reader(tmp_path, b"\xff\xfe\x00,\x00\n", "a b")
    assert rows(reader) == [(b"\xff\xfe\x00", b"\x00")]


def test_only_the_wanted_columns(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("x,1,2\n")
    reader = open_reader(
        pipeline("a:INT32 b:INT32 c:INT32"), str(file), training=True, columns=["c"]
    )
    assert read(reader, 4) == [({"c": [2]}, (0, 1))]
    assert [field.name for field in reader.fields] == ["c"]


@pytest.mark.parametrize("more", ["", "with_header: true"])
@pytest.mark.parametrize("blank", ["", "\n\n"])
def test_no_rows(tmp_path: Path, more: str, blank: str) -> None:
    text = ("a,b\n" if more else "") + blank
    with pytest.raises(DataError, match=r"rows\.csv: error: the file holds no rows"):
        csv_reader(tmp_path, text, "a b", more)
    reader = open_reader(pipeline("a b", more), str(tmp_path), training=False)
    assert read(reader, 4) == []


def test_one_file_without_rows_among_others_is_fine(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    assert column(csv_reader(tmp_path, "a\n", "a"), "a") == [b"a"]


def test_real_rows_equal_those_of_the_csv_module(taobao_rows: Path) -> None:
    names = " ".join(f"c{number}" for number in range(20))
    reader = open_reader(pipeline(names), str(taobao_rows), training=True)
    with open(taobao_rows, newline="") as stream:
        expected = [tuple(cell.encode() for cell in row) for row in csv.reader(stream)]
    assert rows(reader) == expected


# Bad rows.


def many(bad: dict[int, str], count: int = 50) -> str:
    """Returns `count` lines `n,x`, those with the given line numbers replaced."""
    return "".join(f"{bad.get(line, f'{line},x')}\n" for line in range(1, count + 1))


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("input_type", ["CSVInput", "CSVInputEx"])
def test_a_bad_cell_is_named(tmp_path: Path, input_type: str, shuffle: bool) -> None:
    reader = csv_reader(tmp_path, many({38: "notanint,x"}), "n:INT32 s", input_type=input_type)
    error, _ = failure(reader, shuffle=shuffle, seed=3)
    (problem,) = error.problems
    assert problem.place.file.endswith("rows.csv")
    assert (problem.place.line, problem.path, problem.found) == (38, "n", "'notanint'")
    assert "INT32" in problem.message
    assert "whole number" in problem.expected


def test_batches_before_the_bad_row_come(tmp_path: Path) -> None:
    error, batches = failure(csv_reader(tmp_path, many({38: "-,x"}), "n:INT32 s"), 4)
    assert (batches, error.problems[0].place.line) == (9, 38)


def test_lines_count_header_and_blank_lines_and_files(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("n,s\n1,a\n\n2,b\n")
    (tmp_path / "2.csv.gz").write_bytes(gzip.compress(b"n,s\n\n3,c\n\n\nx,d\n"))
    reader = open_reader(pipeline("n:INT32 s", "with_header: true"), str(tmp_path), training=True)
    error, _ = failure(reader, shuffle=True)
    place = error.problems[0].place
    assert (Path(place.file).name, place.line) == ("2.csv.gz", 6)


def test_the_second_epoch_is_explained_too(tmp_path: Path) -> None:
    reader = csv_reader(tmp_path, many({12: "5"}), "n:INT32 s")
    reader.batches(50, epochs=None)
    error = tf.errors.InvalidArgumentError(None, None, "bad")
    problem = reader.explain(error, (0, 50)).problems[0]
    assert problem.place.line == 12


@pytest.mark.parametrize("input_type", ["CSVInput", "CSVInputEx"])
@pytest.mark.parametrize(("line", "found"), [("7", "1 columns"), ("7,x,y", "3 columns")])
def test_a_wrong_number_of_columns(tmp_path: Path, input_type: str, line: str, found: str) -> None:
    reader = csv_reader(tmp_path, many({20: line}), "n:INT32 s", input_type=input_type)
    problem = failure(reader)[0].problems[0]
    assert problem.place.line == 20
    assert problem.expected.startswith("2 columns")
    assert problem.found.startswith(found)


def test_a_wrong_number_is_seen_in_columns_that_nobody_asks_for(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("1,2,3\n1,2,3,4\n")
    reader = open_reader(pipeline("a b c:INT32"), str(file), training=True, columns=["c"])
    assert failure(reader)[0].problems[0].place.line == 2


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ("n:INT32 s", "2147483648,x"),
        ("n:INT64 s", "9223372036854775808,x"),
        ("n:FLOAT s", "nan,x"),
        ("n:FLOAT s", "-inf,x"),
        ("n:FLOAT s", "1e39,x"),
        ("n:DOUBLE s", "1e400,x"),
        ("n:BOOL s", "yes,x"),
        ("n:INT32 s", "\udcff,x"),
        ("n:INT32 s", '"1"2,x'),
        ("n:INT32 s", '3,"x'),
        ("n:INT32 s", '3,x"y'),
    ],
)
def test_what_is_bad(tmp_path: Path, fields: str, line: str) -> None:
    text = many({3: line}, 3).replace("2,x", "1,x").encode(errors="surrogateescape")
    reader = csv_reader(tmp_path, text, fields)
    assert failure(reader)[0].problems[0].place.line == 3


def test_bad_rows_can_be_left_out(tmp_path: Path) -> None:
    text = many({3: "x,x", 4: "1", 30: '4,"', 50: ","}) + "51,y\n"
    reader = csv_reader(tmp_path, text, "n:INT32 s", "bad_row_policy: SKIP")
    expected = [n for n in range(1, 52) if n not in (3, 4, 30, 50)]
    assert column(reader, "n") == [*expected[:-1], 0, 51]
    assert reader.bad_rows() == 3
    shuffled = column(reader, "n", epochs=2, shuffle=True, seed=1)
    assert sorted(shuffled) == sorted([*expected, 0] * 2)
    assert reader.bad_rows() == 3


def test_batches_are_full_and_resume_when_rows_are_left_out(tmp_path: Path) -> None:
    bad = dict.fromkeys((1, 8, 9, 25, 50), "x,x")
    reader = csv_reader(tmp_path, many(bad), "n:INT32 s", "bad_row_policy: SKIP")
    order = {"epochs": 3, "shuffle": True, "seed": 4}
    batches = read(reader, 10, **order)
    assert [len(columns["n"]) for columns, _ in batches] == [10] * 13 + [5]
    for number in (0, 5, 9):
        assert read(reader, 10, start=batches[number][1], **order) == batches[number + 1 :]


def test_too_many_bad_rows_stop(tmp_path: Path) -> None:
    more = "bad_row_policy: SKIP max_bad_rows: 2"
    reader = csv_reader(tmp_path, many(dict.fromkeys((5, 6), "x,x")), "n:INT32 s", more)
    assert len(column(reader, "n", epochs=3)) == 48 * 3
    reader = csv_reader(tmp_path, many(dict.fromkeys((5, 6, 40), "x,x")), "n:INT32 s", more)
    text = str(failure(reader)[0])
    assert "more than 2 bad rows" in text
    assert "rows.csv:5" in text


def test_data_without_a_good_row_ends(tmp_path: Path) -> None:
    more = "bad_row_policy: SKIP max_bad_rows: 2000"
    reader = csv_reader(tmp_path, "x\n" * 1500, "n:INT32", more)
    assert "more than 2000 bad rows" in str(failure(reader, epochs=None)[0])


# Broken files.


def test_a_vanished_file_is_named(tmp_path: Path) -> None:
    reader = csv_reader(tmp_path, "1\n", "n:INT32")
    (tmp_path / "rows.csv").rename(tmp_path / "rows.cvs")
    problem = failure(reader)[0].problems[0]
    assert (problem.message, problem.nearest) == ("no such file or folder", f"{tmp_path}/rows.cvs")


def test_a_truncated_gzip_file_is_named(tmp_path: Path) -> None:
    packed = gzip.compress("".join(f"{n * 7919 % 10007}\n" for n in range(9000)).encode())
    (tmp_path / "good.gz").write_bytes(packed)
    (tmp_path / "half.gz").write_bytes(packed[: len(packed) // 2])
    reader = open_reader(pipeline("n:INT32"), str(tmp_path), training=True)
    error, _ = failure(reader, 1000)
    assert [Path(problem.place.file).name for problem in error.problems] == ["half.gz"]


def test_gzip_files_can_be_checked_before_they_are_read(tmp_path: Path) -> None:
    packed = gzip.compress("".join(f"{n}\n" for n in range(9000)).encode())
    (tmp_path / "good.gz").write_bytes(packed)
    reader = open_reader(pipeline("n:INT32"), str(tmp_path), training=True)
    assert "PyFunc" in operations(reader)
    reader.check_files()
    assert "PyFunc" not in operations(reader)
    (tmp_path / "half.gz").write_bytes(packed[: len(packed) // 2])
    reader = open_reader(pipeline("n:INT32"), str(tmp_path), training=True)
    with pytest.raises(DataError) as caught:
        reader.check_files()
    assert [Path(p.place.file).name for p in caught.value.problems] == ["half.gz"]


def operations(reader: Reader) -> str:
    """Returns the kinds of operations that the reader's batches consist of."""
    make = tf.function(lambda: tf.data.experimental.to_variant(reader.batches(1000)))
    functions = make.get_concrete_function().graph.as_graph_def().library.function
    return " ".join(node.op for function in functions for node in function.node_def)


def test_an_error_that_is_not_of_the_data_is_passed_on(tmp_path: Path) -> None:
    reader = csv_reader(tmp_path, "1\n", "n:INT32")
    read(reader, 1)
    error = reader.explain(tf.errors.ResourceExhaustedError(None, None, "no memory"), (0, 0))
    assert "no memory" in str(error)


@pytest.mark.parametrize("name", ["OdpsInputV2", "KafkaInput", "HiveInput", "RTPInput"])
def test_platform_readers_are_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"{name}(.|\n)*CSVInput(.|\n)*remedy"):
        open_reader(pipeline("a", input_type=name), "x", training=True)


@pytest.mark.parametrize("input_type", ["CSVInput", "CSVInputEx"])
@pytest.mark.parametrize("more", ["", "with_header: true"])
def test_a_blank_line_of_one_column_is_an_empty_cell(
    tmp_path: Path, more: str, input_type: str
) -> None:
    text = ("n\n" if more else "") + "1\n\n3\r\n\r\n"
    reader = csv_reader(tmp_path, text, "n:INT32=7", more, input_type)
    assert column(reader, "n") == [1, 7, 3, 7]
    config = pipeline("n:INT32=7", more, input_type)
    assert [row.values["n"] for row in good_rows(config, str(tmp_path / "rows.csv"))] == [
        1,
        7,
        3,
        7,
    ]


@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("input_type", ["CSVInput", "CSVInputEx"])
def test_hexadecimal_decimals_are_read_and_pass_the_check(
    tmp_path: Path, input_type: str, kind: str
) -> None:
    cells = ["0x1p3", "0X1A", " -0x10", "+0x.8P-1 ", "0x1.p2", "0x2000001", "1e3"]
    if tf.__version__.startswith("2.16."):  # it knows no exponent of a hexadecimal number
        cells = [cell for cell in cells if "p" not in cell.lower()]
    text, fields = "".join(f"{cell},0x1\n" for cell in cells), f"d:{kind} s"
    reader = csv_reader(tmp_path, text, fields, input_type=input_type)
    assert scan(pipeline(fields, "", input_type), str(tmp_path / "rows.csv")) == []
    values = [float(1e3 if cell == "1e3" else float.fromhex(cell)) for cell in cells]
    expected = [float(np.dtype(reader.fields[0].dtype).type(value)) for value in values]
    assert rows(reader) == [(value, b"0x1") for value in expected]


@pytest.mark.parametrize("cell", ["0x", "0xg", "0x1p", "- 0x1", "0x1p 3", "0x1p9999", "1f"])
@pytest.mark.parametrize("input_type", ["CSVInput", "CSVInputEx"])
def test_broken_hexadecimal_decimals_are_bad_cells(
    tmp_path: Path, input_type: str, cell: str
) -> None:
    error, _ = failure(csv_reader(tmp_path, f"{cell}\n", "d:FLOAT", input_type=input_type))
    assert list(error.problems) == scan(
        pipeline("d:FLOAT", "", input_type), error.problems[0].place.file
    )
    assert error.problems[0].found == repr(cell)


@pytest.mark.parametrize("header", ["label,user_id,price", "price,label,more,user_id"])
def test_a_header_row_is_one_problem_that_names_with_header(tmp_path: Path, header: str) -> None:
    text, fields = f"{header}\n1,u,2\n", "label:INT32 user_id price:FLOAT"
    error, _ = failure(csv_reader(tmp_path, text, fields))
    scanned = scan(pipeline(fields), str(tmp_path / "rows.csv"))
    for problem in (*error.problems, scanned[0]):
        assert problem.place.line == 1
        assert "with_header: true" in problem.remedy
    assert [problem for problem in scanned if problem.place.line == 1] == list(error.problems)


def test_one_text_in_place_of_a_number_is_no_header(tmp_path: Path) -> None:
    error, _ = failure(csv_reader(tmp_path, "1,u,x\n", "label:INT32 user_id price:FLOAT"))
    assert "with_header" not in str(error)
    assert error.problems[0].path == "price"


def test_an_expression_that_makes_too_much_is_no_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("1\n2\n")
    reader = open_reader(pipeline("n:INT32"), str(path), training=True)
    expression = compile_expression("tf.meshgrid(x, x)", ["x"], Place("a.config", 3, 5), "f.expr")
    spec = [tf.TensorSpec([None], tf.float32)]
    graph = tf.function(expression, input_signature=spec, autograph=False)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        graph(tf.ones([20_000]))
    (problem,) = reader.explain(caught.value, None).problems
    assert "a.config:3:5" in problem.message
    assert "'tf.meshgrid(x, x)' at column 1" in problem.message
