"""Input with and without kept rows: `python -m benchmarks.input_cache [--config NAME …]`.

For each config, on data that is made for it: rows/s of the input alone, CPU seconds for a million
rows, and the share of training steps that is spent waiting for input, from the second epoch on.
With and without the cache take turns, so that what else the machine does falls on both; printed
are medians. The share for one batch that lies in memory is the least there can be.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from easyrec_lite import datasets
from easyrec_lite.config import Pipeline, load_checked
from easyrec_lite.input import BatchInput, Order
from easyrec_lite.training.build import Parts, build
from easyrec_lite.training.optimizers import Optimizer
from easyrec_lite.training.step import Trainer

CONFIGS = ("dssm_senet_on_taobao_pointwise.config", "dssm_senet_on_taobao.config")
SECOND_EPOCH = (1, 0)
WARM = 3


class Found(NamedTuple):
    """Of one way to read: rows/s and CPU seconds per million rows alone, share waited in steps."""

    rate: float
    cpu: float
    waited: float


class Case:
    """One config with and without the cache.

    Args:
      pipeline: the config; `mode` decides on the cache.
      batch_size: B.
    """

    def __init__(self, pipeline: Pipeline, batch_size: int):
        self.parts: Parts = build(pipeline)
        model = self.parts.model
        self.batch_size = batch_size
        self.trainer = Trainer(
            model, Optimizer(pipeline.config.train_config, model.trainable, set(model.tables))
        )
        self.input = BatchInput(
            pipeline,
            pipeline.config.train_input_path,
            self.parts.transform,
            model.extra_columns,
            self.parts.item_features,
            training=True,
        )

    def stream(self, epochs: int | None, start: tuple[int, int] = SECOND_EPOCH) -> tf.data.Dataset:
        order = Order(epochs=epochs, start=start, shuffle=True, seed=1)
        return self.input.batches(self.batch_size, order)

    def fill(self) -> None:
        """Reads two epochs, the first of which is kept."""
        for _ in self.stream(2, (0, 0)):
            pass

    def floor(self, steps: int) -> float:
        """Returns the share waited for one batch that lies in memory."""
        (one,) = self.stream(None).take(1)
        return self._waited(tf.data.Dataset.from_tensors(one).repeat().prefetch(1), steps)

    def measure(self, batches: int, steps: int) -> Found:
        iterator = iter(self.stream(None))
        for _ in range(WARM):
            next(iterator)
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(batches):
            next(iterator)
        rows = batches * self.batch_size
        rate = rows / (time.perf_counter() - wall)
        cpu = (time.process_time() - cpu) / rows * 1e6
        return Found(rate, cpu, self._waited(self.stream(None), steps))

    def _waited(self, dataset: tf.data.Dataset, steps: int) -> float:
        iterator = iter(dataset)
        self.trainer.run(iterator, WARM)
        self.trainer.take_counts()
        wall = time.perf_counter()
        self.trainer.run(iterator, steps)
        spent = time.perf_counter() - wall
        return self.trainer.take_counts()[1] / spent


def compare(name: str, data: Path, args: argparse.Namespace) -> tuple[Found, Found, float]:
    """Returns the medians without and with the cache, and of the share for a batch in memory."""
    rows = "train.csv" if "pointwise" in name else "train_clicked.csv"
    edits = {
        "train_input_path": str(data / rows),
        "model_dir": str(data / "model"),
        "data_config.batch_size": args.batch_size,
    }
    if "pointwise" not in name:
        edits["data_config.negative_sampler.input_path"] = str(data / "items.txt")
    cases = [
        Case(load_checked(name, {**edits, "data_config.cache.mode": mode}), args.batch_size)
        for mode in ("OFF", "AUTO")
    ]
    cases[1].fill()
    assert cases[1].input.cached
    found: list[list[Found]] = [[], []]
    floors = []
    for _ in range(args.repeats):
        for each, case in zip(found, cases, strict=True):
            each.append(case.measure(args.batches, args.steps))
        floors.append(cases[1].floor(args.steps))
    plain, kept = (Found(*map(statistics.median, zip(*each, strict=True))) for each in found)
    return plain, kept, statistics.median(floors)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", nargs="+", default=CONFIGS)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--batch_size", type=int, default=4096)
    parser.add_argument("--batches", type=int, default=60, help="to read alone")
    parser.add_argument("--steps", type=int, default=20, help="to train")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args(argv)
    print(f"B {args.batch_size}, {args.rows} rows of data; medians of {args.repeats}")
    print(f"{'':<44}{'rows/s':>12}{'CPU s/1e6 rows':>18}{'waited':>10}")
    with tempfile.TemporaryDirectory() as folder:
        flags = ["taobao-synthetic", "--rows", str(args.rows), "--out", folder, "--overwrite"]
        datasets.main(flags)
        for name in args.config:
            plain, kept, floor = compare(name, Path(folder), args)
            for label, found in ((f"{name}", plain), ("  with the cache", kept)):
                print(f"{label:<44}{found.rate:>12,.0f}{found.cpu:>18.2f}{found.waited:>10.1%}")
            print(f"{'  one batch in memory':<74}{floor:>10.1%}")
            print(f"{'  ratio':<44}{kept.rate / plain.rate:>12.1f}{plain.cpu / kept.cpu:>18.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
