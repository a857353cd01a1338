"""Inputs of ten megabytes, or nested a million times: told in short, in little time and memory."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults.fuzz import TARGETS
from easyrec_lite.checks.check import load_config
from easyrec_lite.core.errors import ConfigError, DataError

MILLION = 1_000_000
BIG = b"x" * 10 * MILLION
HEADER = b"id:int64\tweight:float\tfeature:string\n"
# CPU seconds and bytes that no input of this size may need: for hangs and blow-ups, not for speed.
MOST_SECONDS, MOST_BYTES = 30, 2 << 30


def csv(*cells: bytes) -> bytes:
    return b",".join(cells) + b"\n"


GOOD = [b"1", b"2", b"x", b"0.5", b"2.5", b"true"]
CSV = {
    "text": csv(b"1", b"2", BIG, *GOOD[3:]),
    "quotes": csv(b"1", b"2", b'"' + b'""' * 5 * MILLION + b'"', *GOOD[3:]),
    "decimals": csv(b"1", b"2", b"x", b"0." + b"1" * 10 * MILLION, *GOOD[4:]),
    "digits": csv(b"1" * 10 * MILLION, *GOOD[1:]),
    "boolean": csv(*GOOD[:5], BIG),
    "an open quote": csv(b"1", b"2", b'"' + b'"",' * 3 * MILLION),
    "columns": b"," * 10 * MILLION,
    "zeros": b"\0" * 10 * MILLION,
    "blank lines": b"\n" * 5 * MILLION,
    "bad lines": b"x\n" * MILLION,
}
ITEMS = {
    "id": HEADER + BIG + b"\t1\ta:1\n",
    "weight": HEADER + b"1\t" + b"1" * 10 * MILLION + b"\ta:1\n",
    "attribute": HEADER + b"1\t1\ta:1\n2\t1\t" + BIG + b":1\n",
    "attributes": HEADER + b"1\t1\t" + b"a:" * MILLION + b"\n",
    "long attribute": HEADER + b"1\t1\t" + BIG[:900_000] + b":1:2\n",
    "columns": HEADER + b"\t" * 10 * MILLION,
    "header": BIG + b"\n1\t1\ta:1\n",
    "bad lines": HEADER + b"x\tx\tx\n" * 100_000,
}
TEXT = BIG.decode()
USERS = {
    "number": json.dumps({"user_id": TEXT}),
    "text": json.dumps({"history": [TEXT]}),
    "name": json.dumps({TEXT: 1}),
    "no user": json.dumps(TEXT),
    "numbers": json.dumps([1] * MILLION),
    "bad users": json.dumps([{"a": 1}] * 20_000),
    "seen": json.dumps({"seen_item_ids": [TEXT, {}]}),
    "nested": "[" * MILLION,
}
CONFIGS = {
    "blocks": b"a{" * MILLION,
    "known blocks": b"model_config { backbone { blocks { repeat { " * 20_000,
    "lists": b"a: " + b"[" * MILLION,
    "lists in lists": b"label_fields: [" + b"[1]," * 1000 + b"]",
    "angles": b"a<" * 200_000,
    "text": b'model_dir: "' + BIG + b'"',
    "name": BIG[:MILLION] + b": 1",
    "number": b"train_config { num_steps: " + b"9" * MILLION + b" }",
    "enum": b"data_config { input_type: " + b"9" * 5000 + b" }",
    "octal enum": b"data_config { input_type: 0177 }",
    "range": b'data_config { auto_expand_input_fields: true input_fields { input_name: "f[1-'
    + b"9" * 15
    + b']" } }',
    "long range": b'data_config { input_fields { input_name: "f[1-' + b"9" * 5000 + b']" } }',
}
EDITS = {
    "name": json.dumps({TEXT: 1}),
    "dots": json.dumps({"." * MILLION: 1}),
    "indices": json.dumps({"feature_config.features" + "[0]" * MILLION: 1}),
    "index": json.dumps({"feature_config.features[" + "9" * 5000 + "]": 1}),
    "slice": json.dumps({"feature_config.features[0:" + "9" * 5000 + "]": 1}),
    "value": json.dumps({"train_config.num_steps": TEXT}),
    "brackets": json.dumps({"feature_config.features[0].normalizer_fn": "(" * MILLION}),
    "sums": json.dumps(
        {"feature_config.features[0].normalizer_fn": "lambda x: x" + "+x" * MILLION}
    ),
}
ACCEPTED = {("csv rows", "text"), ("csv rows", "quotes")}
ACCEPTED |= {("users", "text")}
# TensorFlow 2.16 takes no number of a million digits, 2.21 does.
EITHER = {("csv rows", "decimals")}
CASES = [
    *(("csv rows", name, (content, "CSVInput")) for name, content in CSV.items()),
    *(("item tables", name, content) for name, content in ITEMS.items()),
    *(("users", name, content) for name, content in USERS.items()),
    *(("configs", name, content) for name, content in CONFIGS.items()),
    *(("edits", name, content) for name, content in EDITS.items()),
]


@pytest.mark.parametrize(
    ("kind", "name", "given"), CASES, ids=[f"{kind}: {name}" for kind, name, _ in CASES]
)
def test_told_in_short(kind: str, name: str, given: Any, tmp_path: Path) -> None:
    take: Callable[[Any, Path], None] = TARGETS[kind].take
    start = time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = ""
    try:
        take(given, tmp_path)
    except (ConfigError, DataError) as error:
        told = str(error)
    if (kind, name) not in EITHER:
        assert bool(told) is ((kind, name) not in ACCEPTED)
    assert len(told) < 50_000
    assert time.process_time() - start < MOST_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_BYTES >> 10


def test_a_file_that_is_too_large_for_a_config(tmp_path: Path) -> None:
    path = tmp_path / "large.config"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ConfigError, match="8 MB"):
        load_config(path)
