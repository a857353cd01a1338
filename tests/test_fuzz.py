"""Hostile input ends in errors of our own; `benchmarks.faults.fuzz` goes on for longer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults import inputs
from benchmarks.faults.fuzz import TARGETS, Count, fuzz
from easyrec_lite.checks.columns import InputField
from easyrec_lite.core.errors import ConfigError, DataError
from easyrec_lite.data.tables.item_table import read_item_table
from easyrec_lite.runs.config_flags import config_parser, edits_from
from easyrec_lite.serving.users import UserColumns

EXAMPLES = {"csv rows": 12, "parquet": 12}
GOOD: dict[str, Any] = {
    "configs": inputs.CONFIGS["dat_on_taobao"].encode(),
    "edits": '{"train_config.num_steps": 3}',
    "csv rows": (b'1,2,"x,\xff",0.5,1e3,true\n1,,,,,\n', "CSVInput"),
    "parquet": inputs.parquet(),
    "item tables": "id:int64\tweight:float\tfeature:string\n1\t0.5\té:3\n".encode(),
    "users": '[{"user_id": "7", "history": ["a", 1], "city": null}, {"seen_item_ids": [1]}]',
}


@pytest.mark.parametrize("name", TARGETS)
def test_only_our_own_errors_come_out(name: str, tmp_path: Path) -> None:
    count = Count()
    fuzz(name, EXAMPLES.get(name, 60), 1, tmp_path, count)
    assert count.refused > 0


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_fuzzed_takes_good_input(name: str, tmp_path: Path) -> None:
    TARGETS[name].take(GOOD[name], tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [("[" * 100_000, "within each other"), ("9" * 5000, "too many digits"), ("{", "broken JSON")],
)
def test_json_that_python_cannot_take(text: str, message: str) -> None:
    flags = config_parser("train", []).parse_args(["--config=x", f"--edit_config_json={text}"])
    with pytest.raises(ConfigError, match=message) as caught:
        edits_from(flags)
    assert len(str(caught.value)) < 400
    with pytest.raises(DataError, match=message):
        UserColumns([]).parse(text)


def test_the_line_of_an_item_table_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "items"
    path.write_bytes(b"id:int64\tweight:float\tfeature:string\n1\t1\ta\n2\t1\t\xff\xfe\n")
    with pytest.raises(DataError, match=r"items:3: error: .*no UTF-8 text"):
        read_item_table(path, [InputField("cate", "STRING", b"")])
