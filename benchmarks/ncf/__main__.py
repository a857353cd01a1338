"""Study of retrieval quality on MovieLens-1M: two-tower models beside baselines.

Prints Markdown tables; protocol and reading are in docs/quality_ncf.md. Called again with the same
`--out-folder`, it runs what is missing and prints the whole table. Flags such as
`--train_config.num_steps=100` edit the config of every run.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.ncf import synthetic
from benchmarks.ncf.cases import ALL, Case, cases
from benchmarks.ncf.data import Data, prepare
from benchmarks.ncf.study import Study
from benchmarks.ncf.table import tables
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.core.files import atomic_write
from easyrec_lite.runs.command_line import Parser, run

SHARED = "EASYREC_LITE_SHARED"
TITLE = "# Tables of the study of quality\n\nProtocol and reading: `docs/quality_ncf.md`.\n\n"
QUICK = {"data_config.batch_size": 256}


def parser() -> Parser:
    """Returns the parser of the command's flags."""
    made = Parser(
        prog="python -m benchmarks.ncf",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("--data", type=Path, help=f"MovieLens-1M with NCF's files (default ${SHARED}/data/ml-1m)")
    add("--out-folder", type=Path, default=Path("experiments/ncf"), help="results, logs")
    add("--out", type=Path, help="write the tables here too")
    add("--jobs", type=int, default=1, help="runs at a time, each on one core")
    add("--seeds", type=int, default=3, help="of each model with all options")
    add("--ablation-seeds", type=int, help="of the other variants (default as --seeds)")
    add("--epochs", type=int, default=0, help="over the training data (default as the configs say)")
    add("--only", metavar="PATTERN", help="runs whose names fit, such as 'dssm-*' or '*-all-1'")
    add("--table", action="store_true", help="run nothing, print what there is")
    add("--quick", action="store_true", help="a small made-up data set, one epoch, one seed")
    return made


def main(flags: argparse.Namespace) -> int:
    """Runs the study; returns 1 when a run failed."""
    study = Study(_data(flags), flags.out_folder.resolve())
    wanted = _cases(flags, study.data)
    failed = [] if flags.table else study.run(wanted, flags.jobs)
    text = tables(wanted, [study.result(case) for case in wanted], caption(flags, study.data))
    print(f"\n{text}")
    if flags.out:
        atomic_write(flags.out, TITLE + text + "\n")
    return 1 if failed else 0


def _data(flags: argparse.Namespace) -> Data:
    if flags.quick:
        raw = flags.out_folder / "synthetic"
        synthetic.write(raw)
        return prepare(raw, (flags.out_folder / "synthetic_rows").resolve())
    if flags.data is None and not os.environ.get(SHARED):
        problem = Problem(
            "no data", remedy=f"give --data FOLDER, or set {SHARED}; see docs/quality_ncf.md"
        )
        raise ConfigError(problem)
    source = flags.data or Path(os.environ[SHARED], "data", "ml-1m")
    return prepare(source, (flags.out_folder / "rows").resolve())


def _cases(flags: argparse.Namespace, data: Data) -> list[Case]:
    seeds, epochs = (1, 1) if flags.quick else (flags.seeds, flags.epochs)
    more: dict[str, Any] = (QUICK if flags.quick else {}) | flags.config_edits
    ablations = seeds if flags.ablation_seeds is None else flags.ablation_seeds
    found = cases(data.rows, seeds, ablations, epochs, more)
    chosen = [case for case in found if fnmatch.fnmatch(case.name, flags.only or "*")]
    if not chosen:
        names = ", ".join(case.name for case in found)
        raise ConfigError(Problem(f"no run fits --only {flags.only}", expected=f"one of {names}"))
    return chosen


def caption(flags: argparse.Namespace, data: Data) -> str:
    """Returns what the numbers are of."""
    held_out = data.held_out()
    queries, items = len(held_out.users), len(held_out.items)
    name = "a small made-up data set" if flags.quick else "MovieLens-1M"
    edits = f" Edits of every config: {flags.config_edits}." if flags.config_edits else ""
    return (
        f"{name}, {data.rows:,} ratings in training, one rating of each of {queries:,} users held "
        f"out (NCF's leave-one-out split), ranked (a) against 99 items of NCF, (b) among all "
        f"{items:,} rated items. HR@K: share of the held-out items among the first K. Mean ± "
        f"standard deviation over seeds. Variant `{ALL}` is the config as it is shipped. CPU s, "
        f"wall s: training alone, one core a run, the wall-clock time on a machine that had other "
        f"work too.{edits}"
    )


if __name__ == "__main__":
    sys.exit(run(parser, main))
