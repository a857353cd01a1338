"""CSV files and tables in the encoding that `data_config.encoding` names."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from easyrec_lite.checks.columns import InputField
from easyrec_lite.core.errors import DataError
from easyrec_lite.data.readers.base import Reader, open_reader
from easyrec_lite.data.readers.scan import good_rows, scan
from easyrec_lite.data.tables.item_count import make_item_table
from easyrec_lite.data.tables.item_table import read_item_table
from tests.data.reading import column, failure, pipeline

TEXTS = {
    "gbk": ["手机", "", "数码,相机", "a"],
    "gb18030": ["手机", "\U0001f600", "é"],
    "shift_jis": ["ソ", "表", "ありがとう"],  # whose second bytes are backslashes
    "latin-1": ["é", "naïve", "Straße"],
    "utf-16": ["手机", "Ċ上", "\U0001f600"],  # whose bytes hold those of line ends
    "utf-16-be": ["手机", "Ċ上"],
}


def write(path: Path, encoding: str, texts: list[str], header: str = "") -> str:
    lines = [header] * bool(header) + [f'{row},"{text}"' for row, text in enumerate(texts)]
    content = "".join(f"{line}\r\n" for line in lines).encode(encoding)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return str(path)


def opened(path: str, encoding: str, more: str = "", fields: str = "n:INT32 s") -> Reader:
    return open_reader(pipeline(fields, f'encoding: "{encoding}" {more}'), path, training=True)


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
@pytest.mark.parametrize("encoding", TEXTS)
def test_text_becomes_utf8(tmp_path: Path, encoding: str, name: str) -> None:
    texts = TEXTS[encoding]
    path = write(tmp_path / name, encoding, texts)
    reader = opened(path, encoding)
    assert column(reader, "s") == [text.encode() for text in texts]
    config = pipeline("n:INT32 s", f'encoding: "{encoding}"')
    assert [row.values["s"].decode() for row in good_rows(config, path)] == texts


def test_header_order_and_resumption_are_those_of_utf8_files(tmp_path: Path) -> None:
    texts = [f"手机{row}" for row in range(50)]
    plain = write(tmp_path / "utf-8.csv", "utf-8", texts, "n,名")
    other = write(tmp_path / "gbk.csv", "gbk", texts, "n,名")
    header, fields = "with_header: true shuffle_buffer_size: 20", "n:INT32 名"
    found, expected = (
        column(opened(path, name, header, fields), "名", shuffle=True, seed=3, start=(0, 9))
        for path, name in ((other, "GB2312"), (plain, "UTF8"))
    )
    assert found == expected
    assert len(found) == 41


@pytest.mark.parametrize("more", ["", "bad_row_policy: SKIP"])
@pytest.mark.parametrize(
    ("encoding", "content", "place", "byte"),
    [
        ("gbk", "1,手\n\n2,机x\n".encode("gbk") + b"3,\xd3\xff\n", 4, 3),
        ("gb18030", "1,手\n2,é机".encode("gb18030") + b"\xd6\n", 2, 7),
        ("utf-16", "1,手\n2,机".encode("utf-16") + b"\x00\xd8\n\x00", 2, 7),
        ("utf-16", "1,手\n".encode("utf-16-le"), 1, 1),
        ("utf-16-le", "1,手\n2,机\n3".encode("utf-16-le") + b"\x00", 3, 3),
    ],
)
def test_a_wrong_byte_is_named(
    tmp_path: Path, encoding: str, content: bytes, place: int, byte: int, more: str
) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    config = pipeline("n:INT32 s", f'encoding: "{encoding}" {more}')
    try:
        problems = failure(open_reader(config, str(path), training=True))[0].problems
    except DataError as error:  # the bytes are near the beginning, which opening reads
        problems = error.problems
    for (problem,) in (problems, scan(config, str(path))):
        assert (problem.place.file, problem.place.line) == (str(path), place)
        assert f"byte {byte} of" in problem.message
        assert problem.path == "data_config.encoding"


def test_a_wrong_byte_far_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("1,手机\n".encode("gbk") * 30_000 + b"2,a\xff\n")
    error, batches = failure(opened(str(path), "gbk"), 1000)
    (problem,) = error.problems
    assert problem.place.line == 30_001
    assert "byte 4 of" in problem.message
    assert batches > 0


def test_tables(tmp_path: Path) -> None:
    path = tmp_path / "items.txt"
    path.write_bytes("id:string\tweight:float\tfeature:string\n手机\t1\t数码\n".encode("gbk"))
    fields = [InputField("cate", "STRING", b"")]
    table = read_item_table(path, fields, encoding="gbk")
    assert (table.ids.tolist(), table.attributes["cate"].tolist()) == (["手机"], ["数码"])
    with pytest.raises(DataError) as told:
        read_item_table(path, fields)
    (problem,) = told.value.problems
    assert (problem.place.line, problem.path) == (2, "data_config.encoding")


def test_tables_of_utf16_need_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "items.txt"
    text = "id:string\tweight:float\tfeature:string\n手机\t1\t数码\n"
    path.write_bytes(text.encode("utf-16"))
    fields = [InputField("cate", "STRING", b"")]
    assert read_item_table(path, fields, encoding="utf-16").ids.tolist() == ["手机"]
    path.write_bytes(text.encode("utf-16-le"))
    assert read_item_table(path, fields, encoding="utf-16-le").ids.tolist() == ["手机"]
    with pytest.raises(DataError, match="utf-16-le"):
        read_item_table(path, fields, encoding="utf-16")


def test_a_table_is_made_in_the_encoding(tmp_path: Path) -> None:
    data = write(tmp_path / "rows.csv", "gbk", ["手机", "数码", "手机"])
    sampler = 'input_path: "" num_sample: 1 item_id_field: "s" attr_fields: "s"'
    config = pipeline("n:INT32 s", f'encoding: "gbk" negative_sampler {{ {sampler} }}')
    config.config.train_input_path = data
    make_item_table(config, str(tmp_path / "items.txt"), "", 1.0)
    lines = (tmp_path / "items.txt").read_bytes().decode("gbk").splitlines()
    assert lines[1:] == ["手机\t2\t手机", "数码\t1\t数码"]
