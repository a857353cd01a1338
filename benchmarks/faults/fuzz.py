"""Feeds hostile input to what reads configs, flags and data; only our own errors may come out.

`python -m benchmarks.faults.fuzz --seconds 600` goes on for that long and prints, for each kind of
input, how many were tried and the CPU seconds that the slowest took. Each kind gets the same share
of the time. What breaks is printed as small as it can be made, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks.faults import inputs
from easyrec_lite.checks.check import load_config
from easyrec_lite.checks.columns import InputField, input_fields
from easyrec_lite.config.load import loads
from easyrec_lite.core.errors import ConfigError, DataError
from easyrec_lite.data.readers.base import open_reader
from easyrec_lite.data.readers.iterate import guarded
from easyrec_lite.data.tables.item_table import read_item_table
from easyrec_lite.runs.config_flags import config_parser, pipeline_from
from easyrec_lite.serving.users import UserColumns

# What one input may take, in CPU seconds; it is for hangs, not for speed.
MOST_SECONDS = 20.0
LONGEST_LINE = 300
LONGEST_REPORT = 200_000
TYPES = {"i": "INT32", "l": "INT64", "s": "STRING", "f": "FLOAT", "d": "DOUBLE", "b": "BOOL"}
USER_FIELDS = [
    InputField("user_id", "INT64", 0),
    InputField("age", "INT32", 7),
    InputField("price", "FLOAT", 0.5),
    InputField("history", "STRING", b""),
]


def config(content: bytes, folder: Path) -> None:
    """Loads and checks a config."""
    path = folder / "hostile.config"
    path.write_bytes(content)
    load_config(path)


def edit(text: str, folder: Path) -> None:
    """Applies `--edit_config_json` to a shipped config."""
    flags = ["--config=dssm_senet_on_taobao", f"--edit_config_json={text}"]
    pipeline_from(config_parser("train", []).parse_args(flags))


def csv(given: tuple[bytes, str], folder: Path) -> None:
    """Reads a CSV file to its end."""
    content, kind = given
    _read(content, kind, "".join(TYPES), folder)


def parquet(content: bytes, folder: Path) -> None:
    """Reads a Parquet file to its end."""
    _read(content, "ParquetInput", "isf", folder)


def _read(content: bytes, kind: str, names: str, folder: Path) -> None:
    fields = "".join(f'input_fields {{ input_name: "{n}" input_type: {TYPES[n]} }}' for n in names)
    pipeline = loads(
        f'model_dir: "m" data_config {{ input_type: {kind} label_fields: "i" {fields} }} '
        'model_config { model_class: "DSSM" }'
    )
    assert len(input_fields(pipeline)) == len(names)
    path = folder / "hostile.data"
    path.write_bytes(content)
    reader = open_reader(pipeline, str(path), training=True)
    for _ in guarded(reader, reader.batches(4), lambda element: element[1]):
        pass


def item_table(content: bytes, folder: Path) -> None:
    """Reads an item table."""
    path = folder / "items.txt"
    path.write_bytes(content)
    read_item_table(path, [InputField("cate", "STRING", b""), InputField("price", "INT32", 0)])


def users(text: str, folder: Path) -> None:
    """Reads the users of `recommend`."""
    UserColumns(USER_FIELDS, others=["city"], lists=["history"], fill=True).parse(text)


@dataclass(frozen=True)
class Target:
    """One kind of input: what makes it, and what takes it."""

    made: st.SearchStrategy[Any]
    take: Callable[[Any, Path], None]


TARGETS: Mapping[str, Target] = {
    "configs": Target(inputs.configs, config),
    "edits": Target(inputs.edits, edit),
    "csv rows": Target(st.tuples(inputs.csv_files, inputs.csv_types), csv),
    "parquet": Target(inputs.parquet_files, parquet),
    "item tables": Target(inputs.item_tables, item_table),
    "users": Target(inputs.user_texts, users),
}


@dataclass
class Count:
    """Inputs tried, of them refused, and the CPU seconds of the slowest."""

    tried: int = 0
    refused: int = 0
    slowest: float = 0.0


def fuzz(name: str, examples: int, number: int, folder: Path, count: Count) -> None:
    """Tries inputs on a target.

    Args:
      name: a key of `TARGETS`.
      examples: how many.
      number: the seed of their choice.
      folder: for files.
      count: is added to.

    Raises:
      Exception: whatever came out that is neither `ConfigError` nor `DataError`, for the smallest
        input that was found.
    """
    target = TARGETS[name]

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(target.made)
    def one(given: Any) -> None:
        start = time.process_time()
        count.tried += 1
        said = ""
        try:
            target.take(given, folder)
        except (ConfigError, DataError) as error:
            count.refused += 1
            said = error.report()
        seconds = time.process_time() - start
        count.slowest = max(count.slowest, seconds)
        assert seconds < MOST_SECONDS, f"{seconds:.0f} s of CPU time"
        assert len(said) < LONGEST_REPORT, f"a message of {len(said)} characters"

    one()


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="for how long (600)")
    parser.add_argument("--only", choices=TARGETS, action="append", help="repeatable")
    parser.add_argument("--seed", type=int, default=0, help="of the first round (0)")
    args = parser.parse_args(argv)
    names = args.only or list(TARGETS)
    counts = {name: Count() for name in names}
    end, number, failed = time.monotonic() + args.seconds, args.seed, set()
    spent = dict.fromkeys(names, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        while spent and (start := time.monotonic()) < end:
            name = min(spent, key=spent.__getitem__)
            try:
                fuzz(name, 50, number, Path(folder), counts[name])
                spent[name] += time.monotonic() - start
            except Exception:
                for line in traceback.format_exc().splitlines():
                    print(line[:LONGEST_LINE], file=sys.stderr)
                failed.add(name)
                del spent[name]
            number += 1
    print(f"{'input':<12}{'tried':>9}{'refused':>9}{'slowest, CPU s':>16}")
    for name, count in counts.items():
        broke = "  BROKE" if name in failed else ""
        print(f"{name:<12}{count.tried:>9,}{count.refused:>9,}{count.slowest:>16.2f}{broke}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
