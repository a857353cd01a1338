"""Cost of the in-batch softmax: ours, in blocks with its own gradient, and a plain one.

`python -m benchmarks.softmax` prints, for each set of options, the median wall-clock milliseconds
and CPU milliseconds of the loss with its gradients, and their ratio. Ours and the plain one take
turns, so that what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from easyrec_lite.losses.softmax.candidates import Candidates
from easyrec_lite.losses.softmax.corrections import Corrections
from easyrec_lite.losses.softmax.loss import in_batch_softmax

TEMPERATURE = 0.05
Step = Callable[[], tuple[tf.Tensor, Sequence[tf.Tensor]]]


@dataclass(frozen=True)
class Case:
    """One set of options: what it is called, and what it asks of the softmax."""

    name: str
    candidates: Candidates
    corrections: Corrections


def plain_softmax(
    user: tf.Tensor, items: tf.Tensor, candidates: Candidates, corrections: Corrections
) -> tf.Tensor:
    """Computes the same mean loss with the [B, N] logits whole and TensorFlow's own gradients."""
    rows, columns = tf.shape(user)[0], tf.shape(items)[0]
    logits = tf.matmul(user, items, transpose_b=True)
    if corrections.log_counts is not None:
        logits -= corrections.log_counts
    masked = candidates.masked(rows, columns, tf.range(rows))
    if masked is not None:
        logits = tf.where(masked, float("-inf"), logits)
    if corrections.hardest:
        own = tf.eye(rows, columns) > 0
        negatives = tf.where(own, float("-inf"), logits)
        last = tf.math.top_k(negatives, tf.minimum(corrections.hardest, columns)).values[:, -1:]
        logits = tf.where((logits < last) & ~own, float("-inf"), logits)
    labels = tf.range(rows)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))


def cases(rows: int, columns: int) -> list[Case]:
    """Returns the options to measure, at B rows and N candidates."""
    rng = np.random.default_rng(0)
    popular = rng.zipf(1.3, columns) % 50_000
    ids = tf.constant(np.unique(popular, return_inverse=True)[1], tf.int32)
    logs = tf.constant(np.log(rng.uniform(0.01, 1, columns)), tf.float32)
    return [
        Case("none", Candidates(), Corrections()),
        Case("logq", Candidates(), Corrections(logs)),
        Case("masks by item id", Candidates(ids=ids), Corrections()),
        Case("masks, logq", Candidates(ids=ids), Corrections(logs)),
        Case("hardest 100", Candidates(), Corrections(hardest=100)),
    ]


def vectors(rows: int, width: int, seed: int) -> tf.Tensor:
    """Returns normalised random vectors float32 [rows, width]."""
    drawn = np.random.default_rng(seed).normal(size=(rows, width))
    return tf.constant(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), tf.float32)


def steps(case: Case, user: tf.Tensor, items: tf.Tensor) -> tuple[Step, Step]:
    """Returns ours and the plain one, each a graph that gives the loss and both gradients."""

    def made(loss_of: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]) -> Step:
        @tf.function(autograph=False)
        def step() -> tuple[tf.Tensor, Sequence[tf.Tensor]]:
            with tf.GradientTape() as tape:
                tape.watch([user, items])
                loss = loss_of(user / TEMPERATURE, items)
            return loss, tape.gradient(loss, [user, items])

        return step

    return (
        made(lambda u, i: in_batch_softmax(u, i, case.candidates, None, case.corrections)),
        made(lambda u, i: plain_softmax(u, i, case.candidates, case.corrections)),
    )


def measure(made: Sequence[Step], repeats: int) -> list[tuple[float, float]]:
    """Returns each step's median (wall-clock, CPU) milliseconds, the steps taking turns."""
    found: list[list[tuple[float, float]]] = [[] for _ in made]
    for turn in range(repeats + 1):
        for times, step in zip(found, made, strict=True):
            start, cpu = time.perf_counter(), time.process_time()
            float(step()[0])
            spent = (time.perf_counter() - start, time.process_time() - cpu)
            times += [spent] if turn else []
    return [
        (
            1000 * statistics.median(wall for wall, _ in times),
            1000 * statistics.median(cpu for _, cpu in times),
        )
        for times in found
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--sampled", type=int, default=1024)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=15)
    args = parser.parse_args(argv)
    columns = args.rows + args.sampled
    user, items = vectors(args.rows, args.width, 1), vectors(columns, args.width, 2)
    print(f"B {args.rows}, N {columns}, D {args.width}; median of {args.repeats}, milliseconds")
    heads = ("ours", "plain", "ratio", "CPU ours", "plain", "ratio")
    print(f"{'options':<18}" + "".join(f"{head:>10}" for head in heads))
    for case in cases(args.rows, columns):
        (wall, cpu), (plain_wall, plain_cpu) = measure(steps(case, user, items), args.repeats)
        print(
            f"{case.name:<18}{wall:>10.1f}{plain_wall:>10.1f}{plain_wall / wall:>10.2f}"
            f"{cpu:>10.1f}{plain_cpu:>10.1f}{plain_cpu / cpu:>10.2f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
