"""The same listwise DSSM as one would write it by hand, in Keras and in PyTorch, beside ours."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from benchmarks.speed.bench import Bench, spread, taking_turns
from benchmarks.speed.rows import LISTWISE, Row
from benchmarks.speed.worker import Numbers, Worker

TITLE = "naive: hand-written steps of the listwise dssm, taking turns with ours"
NOTES = (
    "the same batches in memory for all but the first; the hand-written ones have no "
    "regularisation; ratio: our speed on batches in memory by theirs, turn by turn"
)
BATCHES = 16
OURS = "ours, batches in memory"


def run(bench: Bench) -> Iterator[Numbers]:
    """Yields a line an implementation."""
    jobs = {"keras fit": "naive_keras:job"}
    if importlib.util.find_spec("torch"):
        jobs["torch, SparseAdam"] = "naive_torch:job"
    yield from compared(bench, LISTWISE, jobs)


def compared(bench: Bench, row: Row, jobs: dict[str, str]) -> Iterator[Numbers]:
    """Yields a line for our training of a config, from files and from memory, and for each job."""
    arguments = {**bench.arguments(row), "cached": BATCHES}
    with ExitStack() as stack:
        workers = {"ours, from files": stack.enter_context(bench.training(row))}
        workers[OURS] = stack.enter_context(bench.training(row, cached=BATCHES))
        for name, job in jobs.items():
            workers[name] = stack.enter_context(Worker(job, **arguments))
        turns = taking_turns(list(workers.values()), bench.repeats)
    windows = dict(zip(workers, turns, strict=True))
    ours = [_rate(window) for window in windows[OURS]]
    for name, found in windows.items():
        rates = [_rate(window) for window in found]
        yield {
            "who": name,
            "examples/s": spread(rates),
            "CPU s/1e6": spread([window["cpu"] / window["rows"] * 1e6 for window in found]),
            "ratio": spread([mine / other for mine, other in zip(ours, rates, strict=True)]),
            "peak MB": found[-1]["peak_mb"],
        }


def _rate(window: Numbers) -> float:
    return window["rows"] / window["seconds"]


def prepared(arguments: dict[str, Any]) -> tuple[Any, list[Any]]:
    """Returns the config's parts, and `cached` of its batches."""
    from easyrec_lite.runs.process import load_tensorflow

    load_tensorflow()
    from benchmarks.speed.training import batches
    from easyrec_lite.checks.check import load_config
    from easyrec_lite.runs.training_run import TrainingRun

    run = TrainingRun(load_config(arguments["config"], arguments["edits"]), [], evaluate=False)
    made = list(batches(run, {**arguments, "cached": 0}).take(arguments["cached"]))
    return run.parts, made


def sides(parts: Any) -> dict[str, list[Any]]:
    """Returns the features of the user's and of the item's tower."""
    groups = parts.model.embeddings.groups
    return {"user": list(groups["user"]), "item": list(groups["item"])}


def values(parts: Any, batch: Any) -> dict[str, dict[str, list[Any]]]:
    """Returns side → feature → values of its rows; an item's are the batch's, then the sampled."""
    found: dict[str, dict[str, list[Any]]] = {"user": {}, "item": {}}
    for side, specs in sides(parts).items():
        for spec in specs:
            given = [batch.features[spec.name]]
            if side == "item" and spec.name in batch.negatives:
                given.append(batch.negatives[spec.name])
            found[side][spec.name] = given
    return found
