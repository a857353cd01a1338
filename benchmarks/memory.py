"""Peak memory of training: `python -m benchmarks.memory --config NAME [--batch_size 2048 4096]`.

Each batch size is trained for a few steps in a process of its own; printed is the process's peak
resident memory after the steps, after a checkpoint and after an export, in MB, beside what
`check` estimates.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile

EDITS = {"train_config.log_step_count_steps": 5, "eval_input_path": ""}


def child(config: str, batch_size: int, steps: int, folder: str, sizes: list[str]) -> None:
    """Trains in this process and prints its peaks as JSON."""
    from easyrec_lite.checks.check import load_config
    from easyrec_lite.checks.memory import estimate
    from easyrec_lite.runs.process import prepare

    edits = {**EDITS, "model_dir": folder, "train_config.num_steps": steps}
    edits["data_config.batch_size"] = batch_size
    edits.update(edit.partition("=")[::2] for edit in sizes)
    pipeline = load_config(config, edits)
    peaks = {"estimate": estimate(pipeline).total / 2**20}
    prepare(pipeline, quiet=True, training=True)
    from easyrec_lite.runs.training_run import TrainingRun
    from easyrec_lite.training.hooks import Hook, StepReport

    class Watch(Hook):
        def report(self, report: StepReport) -> None:
            peaks["steps"] = peak()

        def checkpoint(self, step: int, prefix: str) -> None:
            peaks["checkpoint"] = peak()

    run = TrainingRun(pipeline, [Watch()], evaluate=True)
    run.result()
    peaks["export"] = peak()
    weights = run.parts.model.trainable.values()
    peaks["parameters"] = sum(variable.shape.num_elements() for variable in weights)
    print(json.dumps(peaks))


def peak() -> float:
    """Returns the largest resident size of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--config", required=True)
    parser.add_argument("--batch_size", type=int, nargs="+", default=[2048, 4096])
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--edit", action="append", default=[], metavar="PATH=VALUE")
    parser.add_argument("--child", metavar="FOLDER", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.child:
        child(args.config, args.batch_size[0], args.steps, args.child, args.edit)
        return 0
    print("batch  parameters  steps MB  checkpoint MB  export MB  estimated MB")
    for size in args.batch_size:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "benchmarks.memory", *argv]
            command += ["--batch_size", str(size), "--child", folder]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{size:>5}  {found['parameters']:>10,}  {found['steps']:>8.0f}  "
            f"{found['checkpoint']:>13.0f}  {found['export']:>9.0f}  {found['estimate']:>12.0f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
