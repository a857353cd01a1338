"""Hostile input: strategies that make what a user, or chance, could hand to a command."""

from __future__ import annotations

import io
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from easyrec_lite.config.load import shipped_configs

CONFIGS = {name: path.read_text("utf-8") for name, path in sorted(shipped_configs().items())}
TOKEN = re.compile(r"\"[^\"]*\"|[\w.]+|\s+|.", re.DOTALL)
TOKENS = {name: TOKEN.findall(text) for name, text in CONFIGS.items()}
WORDS = sorted({token for tokens in TOKENS.values() for token in tokens if not token.isspace()})
NUMBERS = [
    "-1",
    "0",
    "017",
    "1e400",
    "nan",
    "-inf",
    "0x7f",
    "1.5",
    "9" * 30,
    "9" * 5000,
    "2147483648",
]
TEXTS = [
    '""',
    '"\\777"',
    '"\x00"',
    '"é"',
    '"../../etc/passwd"',
    '"f[1-99999999999]"',
    "'",
    '"',
    "#",
    "{",
    "}",
    "[",
    "<",
]
NESTED = ["{" * 3000, "a{" * 3000, "[" * 3000, '"' + "x" * 100_000 + '"']
ODD = st.sampled_from([*NUMBERS, *TEXTS, *NESTED])


@st.composite
def mutated_configs(draw: st.DrawFn) -> bytes:
    """Returns a shipped config with a few tokens dropped, repeated, moved or replaced."""
    tokens = list(TOKENS[draw(st.sampled_from(sorted(TOKENS)))])
    for _ in range(draw(st.integers(1, 4))):
        tokens = tokens or [""]
        at = draw(st.integers(0, len(tokens) - 1))
        change = draw(st.sampled_from(["drop", "repeat", "move", "word", "odd", "cut"]))
        if change == "drop":
            del tokens[at]
        elif change == "repeat":
            tokens[at:at] = tokens[at : at + draw(st.integers(1, 40))]
        elif change == "move":
            tokens.insert(draw(st.integers(0, len(tokens) - 1)), tokens.pop(at))
        elif change == "cut":
            del tokens[max(at, 1) :]
        else:
            tokens[at] = draw(st.sampled_from(WORDS) if change == "word" else ODD)
    return "".join(tokens).encode()


@st.composite
def spliced(draw: st.DrawFn, content: st.SearchStrategy[bytes]) -> bytes:
    """Returns `content` with bytes of chance in a place of chance, or cut off there."""
    whole = draw(content)
    at = draw(st.integers(0, len(whole)))
    if draw(st.booleans()):
        return whole[:at]
    put = draw(st.binary(min_size=1, max_size=8))
    return whole[:at] + put + whole[at + draw(st.integers(0, len(put))) :]


@st.composite
def swollen(draw: st.DrawFn, content: st.SearchStrategy[bytes]) -> bytes:
    """Returns `content`, one time in fifty with some megabytes of one byte in a place of chance."""
    whole = draw(content)
    if draw(st.integers(0, 49)) < 49:
        return whole
    at = draw(st.integers(0, len(whole)))
    return whole[:at] + draw(st.sampled_from(SWELLING)) * draw(st.sampled_from(SIZES)) + whole[at:]


SWELLING = [bytes([byte]) for byte in b"x19.,\"'\t\n\0{[<:( "]
SIZES = [1_000_000, 7_000_000, 10_000_000]
configs = swollen(mutated_configs() | spliced(mutated_configs()) | st.binary(max_size=100))

json_text = st.text(st.characters(), max_size=8)  # lone surrogates included
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | json_text
    | st.sampled_from(["${x}", "lambda x: x", "1e999", "9" * 400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(json_text, inner, max_size=3),
    max_leaves=6,
)
BROKEN_JSON = [
    "",
    "{",
    "[" * 100_000,
    '{"a":' * 50_000,
    "9" * 5000,
    "NaN",
    '"\\ud800"',
    "{}{}",
    "\0",
]
broken_json = st.sampled_from(BROKEN_JSON) | json_text

FIELDS = ["train_config", "data_config", "feature_config", "model_config", "features[0]",
          "features[input_names[0]=user_id]", "num_steps", "batch_size", "embedding_dim",
          "dssm_senet", "user_tower", "dnn", "hidden_units", "optimizer_config[:]", "model_class",
          "negative_sampler", "num_sample", "softmax", "label_fields[0]", "input_type"]  # fmt: skip
ODD_STEPS = ["", "[", "]", "[-1]", "[99999999999999999999]", f"[{'9' * 5000}]", "[:]",
             "[::0]", "[a=b]", "[a>1]",
             "[=", "x[0][0]", "[1:]", "..", "é", "\ud800", "[input_names=", "[" * 500]  # fmt: skip
paths = st.lists(
    st.sampled_from(FIELDS) | st.sampled_from(ODD_STEPS) | json_text, min_size=1, max_size=4
).map(".".join)
edits = st.dictionaries(paths, json_values, min_size=1, max_size=3).map(json.dumps) | broken_json

CELLS = ["", "1", "-7", "x", '"', '""', '"a,b"', "nan", "inf", "-inf", "1e400", "1e-400", "true",
         "9" * 30, "2147483648", "\0", "é", " 1 ", "a" * 70_000, "1,2", "\r", "1_0"]  # fmt: skip
cells = st.sampled_from(CELLS).map(str.encode) | st.binary(max_size=4)
good_row = st.just(b"1,2,x,0.5,2.5,true")
bad_row = st.lists(cells, max_size=7).map(b",".join)
csv_files = swollen(st.lists(good_row | bad_row, max_size=6).map(b"\n".join))
csv_types = st.sampled_from(["CSVInput", "CSVInputEx"])

weights = st.sampled_from([b"1", b"0", b"2.5e3"]) | cells
item_lines = st.integers().map(lambda item: b"%d\t1.5\tx:7" % item) | st.builds(
    lambda item, weight, one, two: b"%b\t%b\t%b:%b" % (item, weight, one, two),
    *[cells, weights, cells, cells],
)
HEADERS = [
    *[b"id:int64\tweight:float\tfeature:string"] * 4,
    b"id\tweight\tattrs",
    b"",
    b"\xef\xbb\xbfid",
]
item_tables = swollen(
    st.builds(
        lambda header, lines: b"\n".join([header, *lines]),
        st.sampled_from(HEADERS),
        st.lists(item_lines, max_size=5),
    )
)

user_names = st.sampled_from(["user_id", "age", "price", "history", "seen_item_ids", "city"])
users = st.dictionaries(user_names | json_text, json_values, max_size=4)
good_users = (users | st.lists(users, max_size=3) | json_values).map(json.dumps)
user_texts = swollen(good_users.map(str.encode)).map(bytes.decode) | broken_json


def parquet() -> bytes:
    """Returns a good Parquet file of the columns that the fuzzer reads, in two row groups."""
    file = io.BytesIO()
    columns = {"i": range(60), "s": [f"text {n % 7}" for n in range(60)], "f": [0.5] * 60}
    pq.write_table(pa.table(columns), file, row_group_size=30)
    return file.getvalue()


parquet_files = spliced(st.just(parquet()))
