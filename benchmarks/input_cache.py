"""What input costs, with and without kept rows: `python -m benchmarks.input_cache [--config …]`.

For each config, on data that is made for it, from the second epoch on:

- CPU seconds for a million rows of the input alone, less those of reading batches in memory;
- of a step: these CPU seconds as a share of those of a step on batches that lie in memory;
- CPU more, time more: by how much steps that read take longer than steps on batches in memory,
  which are those of one epoch.

All ways take turns, window by window, so that what else the machine does falls on each; printed
are medians. The time shows what a run waits for; on a machine that does other things too it
scatters by several percent, and the CPU seconds are what to go by.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from benchmarks.speed import data
from easyrec_lite.checks.check import load_config
from easyrec_lite.core.allocator import keep_freed_memory
from easyrec_lite.losses.terms import loss_terms
from easyrec_lite.models.assembly import build
from easyrec_lite.runs.process import threads, use_threads
from easyrec_lite.training.input import BatchInput, ReadPlan
from easyrec_lite.training.optimizer import Optimizer
from easyrec_lite.training.step import Trainer

CONFIGS = ("dssm_on_taobao.config", "dssm_neg_sampler_on_taobao.config")
WAYS = {"from the files": "OFF", "with the cache": "AUTO"}
HELD = "batches in memory"


class Spent(NamedTuple):
    """Seconds of a window."""

    wall: float
    cpu: float


class Found(NamedTuple):
    """Of a way to read: medians of what the module's head lists."""

    cpu: float
    share: float
    more_cpu: float
    more_time: float


class Case:
    """A config with each way to read, and with batches in memory.

    Args:
      name: the config.
      folder: the data.
      size: B.
    """

    def __init__(self, name: str, folder: Path, size: int):
        self.size = size
        self._config, self._edits = name, {"data_config.batch_size": size}
        listwise = loss_terms(load_config(name).config.model_config)[0].listwise
        self._edits |= data.edits(folder, listwise, listwise)
        parts = build(load_config(name, self._edits))
        self._transform, self._items = parts.transform, parts.candidate_features
        self._model = model = parts.model
        config = load_config(name, self._edits).config.train_config
        self._trainer = Trainer(model, Optimizer(config, model.trainable, set(model.tables)))
        streams = {way: self._stream(mode) for way, mode in WAYS.items()}
        streams[HELD] = streams["with the cache"].take(self._whole).cache().repeat().prefetch(1)
        self._trained = {way: iter(stream) for way, stream in streams.items()}
        self._read = {way: iter(stream) for way, stream in streams.items()}

    def _stream(self, mode: str) -> tf.data.Dataset:
        """Returns the batches from the second epoch on, after the first is kept if it is to be."""
        pipeline = load_config(self._config, {**self._edits, "data_config.cache.mode": mode})
        made = BatchInput(
            pipeline,
            pipeline.config.train_input_path,
            self._transform,
            self._model.extra_columns,
            self._items,
            training=True,
        )
        if mode != "OFF":
            count = sum(1 for _ in made.batches(self.size, ReadPlan(epochs=2, shuffle=True)))
            self._whole = max(count // 2 - 1, 1)
            assert made.cached
        return made.batches(self.size, ReadPlan(epochs=None, start=(1, 0), shuffle=True))

    def windows(self, steps: int) -> Iterator[dict[str, tuple[Spent, Spent]]]:
        """Yields turns without end: way → (reading `steps` batches alone, training on them)."""

        def turn(count: int) -> dict[str, tuple[Spent, Spent]]:
            return {
                way: (
                    _spent(partial(_drain, self._read[way], tf.constant(count))),
                    _spent(partial(self._trainer.run, self._trained[way], count)),
                )
                for way in self._trained
            }

        turn(self._whole)
        while True:
            yield turn(steps)


def _spent(work: Callable[[], object]) -> Spent:
    """Returns what `work` takes; the CPU time holds that of filling the buffers again."""
    _settle()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall = time.perf_counter() - wall
    _settle()
    return Spent(wall, time.process_time() - cpu)


def _settle() -> None:
    """Waits until no thread reads ahead any more."""
    quiet = 0
    while quiet < 3:
        cpu = time.process_time()
        time.sleep(0.05)
        quiet = quiet + 1 if time.process_time() - cpu < 0.001 else 0


@tf.function(autograph=False, reduce_retracing=True)
def _drain(iterator: tf.data.Iterator, count: tf.Tensor) -> None:
    """Takes batches as the training loop does, within the graph."""

    def one(done: tf.Tensor) -> list[tf.Tensor]:
        with tf.control_dependencies([next(iterator).position]):
            return [done + 1]

    tf.while_loop(lambda done: done < count, one, [tf.constant(0)], parallel_iterations=1)


def measure(case: Case, steps: int, repeats: int) -> dict[str, Found]:
    """Returns what each way costs."""
    found: dict[str, list[Found]] = {way: [] for way in WAYS}
    rows = steps * case.size
    for _, turn in zip(range(repeats), case.windows(steps), strict=False):
        nothing, held = turn[HELD]
        for way, each in found.items():
            alone, trained = turn[way]
            own = alone.cpu - nothing.cpu
            each.append(
                Found(
                    own / rows * 1e6,
                    own / held.cpu,
                    trained.cpu / held.cpu - 1,
                    trained.wall / held.wall - 1,
                )
            )
    return {
        way: Found(*map(statistics.median, zip(*each, strict=True))) for way, each in found.items()
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", nargs="+", default=CONFIGS)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--batch_size", type=int, default=4096)
    parser.add_argument("--steps", type=int, default=32, help="of a window")
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args(argv)
    print(f"B {args.batch_size}, {args.rows} rows of data; medians of {args.repeats}")
    heads = ("CPU s/1e6 rows", "of a step", "CPU more", "time more")
    print(f"{'':<36}" + "".join(f"{head:>16}" for head in heads))
    with tempfile.TemporaryDirectory() as folder:
        made = data.make(Path(folder), args.rows)
        for name in args.config:
            print(name)
            found = measure(Case(name, made, args.batch_size), args.steps, args.repeats)
            for way, (cpu, *shares) in found.items():
                numbers = [f"{cpu:.2f}", *(f"{share:.1%}" for share in shares)]
                print(f"  {way:<34}" + "".join(f"{number:>16}" for number in numbers))
    return 0


if __name__ == "__main__":
    use_threads(*threads(load_config(CONFIGS[0]).config.train_config, training=True))
    keep_freed_memory()
    sys.exit(main())
