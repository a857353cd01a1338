"""How near a step comes to what the machine can do, without any framework around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.speed.bench import Bench, Trained, spread
from benchmarks.speed.rows import LISTWISE, ROWS
from benchmarks.speed.worker import Numbers, Timer, Worker

TITLE = "limits: a step's bound, at the machine's measured peaks, and our share of it"
NOTES = (
    "bound: matrix products at the peak of tf.matmul, the softmax's exponentials at that of "
    "tf.exp, table rows at that of tf.gather and of a scatter, dense weights at that of a copy, "
    "one after another; nothing for input, hashing, activations, batch norm, distinct rows; "
    "kept: rows from the column cache, as from the second epoch on; no input: the step alone, on "
    "batches in memory; one core: the same with one thread a pool, peaks and step in CPU time, "
    "which other work on the machine disturbs least"
)
BATCHES = 16
WIDTH = 16
TABLE = 100_000
LOOKUPS = 1 << 16
# What each peak limits, in the words of `work`.
PEAKS = {
    "flops": "matmul /s",
    "exponentials": "exp /s",
    "gathered": "gather B/s",
    "scattered": "scatter B/s",
    "dense": "copy B/s",
}


def run(bench: Bench) -> Iterator[Numbers]:
    """Yields a line of the machine's peaks, then a line a config; then the same for one core."""
    rows = [LISTWISE] if bench.quick else list(ROWS)
    trained = {row.name: bench.trained(row) for row in rows}
    trained[f"{LISTWISE.name}, kept"] = bench.trained(LISTWISE, kept=True)
    trained[f"{LISTWISE.name}, no input"] = bench.trained(LISTWISE, cached=BATCHES)
    yield from _shares(bench, trained, "the machine", threads=0)
    alone = {f"{LISTWISE.name}, one core": bench.trained(LISTWISE, cached=BATCHES, threads=1)}
    yield from _shares(bench, alone, "one core", threads=1)


def _shares(
    bench: Bench, trained: dict[str, Trained], machine: str, threads: int
) -> Iterator[Numbers]:
    with Worker("limits:job", seconds=bench.seconds / 10, threads=threads) as worker:
        windows = [worker.window() for _ in range(bench.repeats)]
    peaks = {name: max(window[name] for window in windows) for name in PEAKS.values()}
    yield {"config": machine, **{name: f"{peak:.3g}" for name, peak in peaks.items()}}
    time = "cpu" if threads else "seconds"
    for name, found in trained.items():
        work = found.facts["work"]
        parts = {what: 1e3 * work[what] / peaks[peak] for what, peak in PEAKS.items()}
        bound = sum(parts.values())
        steps = [window[time] / window["steps"] * 1e3 for window in found.windows]
        yield {
            "config": name,
            **{peak: f"{parts[what]:.2f} ms" for what, peak in PEAKS.items()},
            "GFLOP": f"{work['flops'] / 1e9:.2f}",
            "bound ms": bound,
            "step ms": spread(steps),
            "share": spread([bound / step for step in steps]),
        }


def job(arguments: dict[str, Any]) -> tuple[Numbers, Callable[[], Numbers]]:
    """Makes the probes of the machine ready; a window runs each for about `seconds`.

    Args:
      arguments: also `threads`: of each of TensorFlow's pools (0: its own choice); where it is
        given, CPU time counts.
    """
    from easyrec_lite.runs.process import load_tensorflow, use_threads

    load_tensorflow()
    use_threads(arguments["threads"], arguments["threads"])
    probes, time = _probes(), "cpu" if arguments["threads"] else "seconds"

    def window() -> Numbers:
        return {name: _rate(*probe, arguments["seconds"], time) for name, probe in probes.items()}

    window()
    return {}, window


def _rate(probe: Callable[[], Any], amount: float, seconds: float, time: str) -> float:
    """Returns the best amount a second, or CPU second, of several calls."""
    best = spent = 0.0
    while spent < seconds:
        with Timer() as timer:
            probe()
        best = max(best, amount / getattr(timer, time))
        spent += timer.seconds
    return best


def _probes() -> dict[str, tuple[Callable[[], Any], float]]:
    """Returns, for each peak, what to call, and how much work one call is."""
    import numpy as np
    import tensorflow as tf

    square = tf.random.normal([2048, 2048])
    block = tf.random.normal([512, 5120])
    table = tf.Variable(tf.random.normal([TABLE, WIDTH]))
    rows = tf.constant(np.random.default_rng(0).permutation(TABLE)[:LOOKUPS], tf.int64)
    values = tf.random.normal([LOOKUPS, WIDTH])
    stream = tf.random.normal([1 << 22])
    row_bytes = 4.0 * LOOKUPS * WIDTH
    called = {
        "matmul /s": (lambda: tf.matmul(square, square), 2.0 * 2048**3),
        "exp /s": (lambda: tf.exp(block), 512 * 5120),
        "gather B/s": (lambda: tf.gather(table, rows), row_bytes),
        "scatter B/s": (lambda: table.scatter_update(tf.IndexedSlices(values, rows)), row_bytes),
        # A copy reads and writes.
        "copy B/s": (lambda: stream * 1.5, 2 * 4.0 * (1 << 22)),
    }
    return {name: (_waited(call), float(amount)) for name, (call, amount) in called.items()}


def _waited(call: Callable[[], Any]) -> Callable[[], Any]:
    """The call as a graph; calls of the CPU end when their work is done."""
    import tensorflow as tf

    return tf.function(call, autograph=False)
