"""Stands for the command `train`: writes the files of a run, with a metric of known values.

The learning rate decides on the metric, `train_config.log_step_count_steps` on what happens: 1 all
is well, 2 an error, 3 no evaluation, 4 the export is refused, 5 the metric is not a number.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import time
from pathlib import Path

METRIC = "full_ranking/excluded/ndcg@10"
EVALUATIONS = 4


def quality(rate: float) -> float:
    """Returns the metric after the last evaluation: best, 1, at a rate of 0.001."""
    return 1.0 - abs(math.log10(rate) + 3) / 4


def series(rate: float) -> list[float]:
    """Returns the metric at each evaluation."""
    return [quality(rate) * number / EVALUATIONS for number in range(1, EVALUATIONS + 1)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config")
    parser.add_argument("--edit_config_json", type=json.loads)
    parser.add_argument("--import", dest="plugins", action="append")
    parser.add_argument("--hang_at", type=Path, help="hang after evaluation 2 while this exists")
    args = parser.parse_args()
    edits = args.edit_config_json
    rate = next(float(value) for path, value in edits.items() if path.endswith("learning_rate"))
    does = int(edits.get("train_config.log_step_count_steps", 1))
    folder = Path(edits["model_dir"])
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    with (folder / "starts.txt").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    print("easyrec_lite 价格", flush=True)
    if does == 2:
        print("rows.csv:3:2: error: 价格: no number", file=sys.stderr)
        sys.exit(2)
    history = folder / "evaluations.jsonl"
    lines = history.read_text("utf-8").splitlines() if history.exists() else []
    for number in range(len(lines) + 1, EVALUATIONS + 1):
        for old in folder.glob("model.ckpt-*"):
            old.unlink()
        (folder / f"model.ckpt-{10 * number}.index").write_text("index")
        (folder / f"model.ckpt-{10 * number}.data-00000-of-00001").write_text("weights")
        value = math.nan if does == 5 else series(rate)[number - 1]
        if does != 3:
            lines.append(json.dumps({"step": 10 * number, "metrics": {METRIC: value}}))
            write(history, "\n".join(lines) + "\n")
        while number == 2 and args.hang_at and args.hang_at.exists():
            time.sleep(0.02)
    (folder / "export" / "final" / "40").mkdir(parents=True, exist_ok=True)
    if does == 4:
        print("error: not exported", file=sys.stderr)
        sys.exit(3)


def write(path: Path, text: str) -> None:
    aside = path.with_name("aside")
    aside.write_text(text, "utf-8")
    aside.replace(path)


if __name__ == "__main__":
    main()
