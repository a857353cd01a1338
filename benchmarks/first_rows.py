"""What the first rows cost a run: `python -m benchmarks.first_rows [--data FOLDER]`.

Before its first step, `train` reads up to 1,000 rows, and reports values without an id and ids that
tables lack. Printed is the time of that in a process of its own, seconds of a core and of a clock.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.child import measured
from benchmarks.memory import CASES, EDITS, Case, paths

CONFIGS = (
    "dssm_on_taobao",
    "dssm_neg_sampler_on_taobao",
    "dssm_senet_on_taobao_backbone",
    "sequence_match_on_movielens",
)


def main(argv: Sequence[str]) -> int:
    """Prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_rows", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("experiments/memory"), metavar="FOLDER")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.child:
        child(json.loads(args.child))
        return 0
    print("| config | CPU s | wall s |")
    print("|---|---:|---:|")
    cases = {case.config: case for case in CASES if not case.words}
    for config in CONFIGS:
        core, clock = measure(cases.get(config, Case(config, 128)), args.data.resolve())
        print(f"| `{config}` | {core:.2f} | {clock:.2f} |", flush=True)
    return 0


def measure(case: Case, data: Path) -> tuple[float, float]:
    """Returns the seconds of a core and of the clock."""
    with tempfile.TemporaryDirectory() as folder:
        edits = {**EDITS, **paths(case, data), "model_dir": folder}
        core, clock = measured("benchmarks.first_rows", {"config": case.config, "edits": edits})
    return core, clock


def child(spec: dict[str, Any]) -> None:
    """Checks the first rows in this process, and prints what `measure` returns."""
    from easyrec_lite.checks.check import load_config
    from easyrec_lite.runs.process import prepare

    pipeline = load_config(f"{spec['config']}.config", spec["edits"])
    prepare(pipeline, quiet=True, training=True)
    from easyrec_lite.features.transform import FeatureTransform
    from easyrec_lite.runs.training_run import TrainingRun
    from easyrec_lite.training.first_rows import first_row_problems

    sampler = TrainingRun(pipeline, [], evaluate=False).input.sampler
    core, clock = time.process_time(), time.perf_counter()
    first_row_problems(
        pipeline, pipeline.config.train_input_path, FeatureTransform(pipeline), sampler
    )
    print(json.dumps([time.process_time() - core, time.perf_counter() - clock]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
