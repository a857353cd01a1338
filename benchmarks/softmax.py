"""Cost of the losses over candidates: in blocks with their own gradient (ours), and plain ones.

`python -m benchmarks.softmax` prints, for each set of options of the softmax and each other loss,
the median wall-clock milliseconds and CPU milliseconds of the loss with its gradients, and their
ratio. A plain loss has the [B, N] logits whole; the softmax also TensorFlow's own gradients. Both
are measured in turns, so that other load on the machine affects both. `--interests K` gives each
user K vectors.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES, loss_names
from easyrec_lite.losses.softmax.blocked import CandidateLoss
from easyrec_lite.losses.softmax.candidates import Candidates
from easyrec_lite.losses.softmax.corrections import Corrections
from easyrec_lite.protos.messages import Loss

TEMPERATURE = 0.05
Step = Callable[[], tuple[tf.Tensor, Sequence[tf.Tensor]]]


@dataclass(frozen=True)
class Case:
    """One set of options: what it is called, and what it asks of the softmax."""

    name: str
    candidates: Candidates
    corrections: Corrections
    loss: CandidateLoss
    sessions: tf.Tensor | None = None

    def in_blocks(self, user: tf.Tensor, items: tf.Tensor) -> tf.Tensor:
        """Computes the mean loss in blocks."""
        return self.loss.in_batch(
            user, items, self.candidates, None, self.corrections, self.sessions
        )

    def plain(self, user: tf.Tensor, items: tf.Tensor) -> tf.Tensor:
        """Computes the same from the [B, N] logits of users [B, K, D], whole."""
        logits = tf.reduce_max(tf.einsum("bkd,nd->bkn", user, items), axis=1)
        return self.loss.of_logits(logits, self.candidates, None, self.corrections, self.sessions)


def losses() -> dict[str, CandidateLoss]:
    """Returns every loss over candidates by name, with parameters that its message needs."""
    needed = {"positive_temperature": TEMPERATURE, "num_items": 50_000}
    made = {}
    for name in loss_names("candidates"):
        params: Any = None
        if LOSSES.spec(name).message:
            params = getattr(Loss(), LOSSES.spec(name).message)
            for field in params.DESCRIPTOR.fields_by_name:
                if field in needed:
                    setattr(params, field, needed[field])
        made[name] = LOSSES.get(name)(params, TEMPERATURE)
    return made


def cases(rows: int, columns: int) -> list[Case]:
    """Returns the options to measure, at B rows and N candidates."""
    rng = np.random.default_rng(0)
    popular = rng.zipf(1.3, columns) % 50_000
    ids = tf.constant(np.unique(popular, return_inverse=True)[1], tf.int32)
    logs = tf.constant(np.log(rng.uniform(0.01, 1, columns)), tf.float32)
    made = losses()
    softmax = made.pop("SOFTMAX_CROSS_ENTROPY")
    sessions = tf.constant(np.unique(popular[:rows], return_inverse=True)[1], tf.int32)
    others = [
        Case(name.removesuffix("_LOSS").lower(), Candidates(), Corrections(), loss, sessions)
        for name, loss in made.items()
    ]
    return [
        Case("none", Candidates(), Corrections(), softmax),
        Case("logq", Candidates(), Corrections(logs), softmax),
        Case("masks by item id", Candidates(ids=ids), Corrections(), softmax),
        Case("masks, logq", Candidates(ids=ids), Corrections(logs), softmax),
        Case("hardest 100", Candidates(), Corrections(hardest=100), softmax),
        *others,
    ]


def vectors(shape: Sequence[int], seed: int) -> tf.Tensor:
    """Returns normalised random vectors, float32 of this shape."""
    drawn = np.random.default_rng(seed).normal(size=shape)
    return tf.constant(drawn / np.linalg.norm(drawn, axis=-1, keepdims=True), tf.float32)


def steps(case: Case, user: tf.Tensor, items: tf.Tensor) -> tuple[Step, Step]:
    """Returns ours and the plain one, each a graph that returns the loss and both gradients.

    Args:
      case: the options.
      user: float32 [B, K, D]; with K = 1, ours takes the vectors [B, D].
      items: float32 [N, D].
    """
    given = user if user.shape[1] > 1 else user[:, 0]

    def made(users: tf.Tensor, loss_of: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]) -> Step:
        @tf.function(autograph=False)
        def step() -> tuple[tf.Tensor, Sequence[tf.Tensor]]:
            with tf.GradientTape() as tape:
                tape.watch([users, items])
                loss = loss_of(users / TEMPERATURE, items)
            return loss, tape.gradient(loss, [users, items])

        return step

    return (
        made(given, case.in_blocks),
        made(user, case.plain),
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
    parser.add_argument("--interests", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=15)
    args = parser.parse_args(argv)
    columns = args.rows + args.sampled
    user = vectors([args.rows, args.interests, args.width], 1)
    items = vectors([columns, args.width], 2)
    sizes = f"B {args.rows}, N {columns}, D {args.width}, K {args.interests}"
    print(f"{sizes}; median of {args.repeats}, milliseconds")
    heads = ("ours", "plain", "ratio", "CPU ours", "plain", "ratio")
    print(f"{'options':<24}" + "".join(f"{head:>10}" for head in heads))
    for case in cases(args.rows, columns):
        (wall, cpu), (plain_wall, plain_cpu) = measure(steps(case, user, items), args.repeats)
        print(
            f"{case.name:<24}{wall:>10.1f}{plain_wall:>10.1f}{plain_wall / wall:>10.2f}"
            f"{cpu:>10.1f}{plain_cpu:>10.1f}{plain_cpu / cpu:>10.2f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
