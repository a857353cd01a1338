"""The job that trains a config, as `easyrec_lite.train` does, and counts the work of a step."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from benchmarks.speed.worker import Numbers, Timer, peak_mb, windows


def job(arguments: dict[str, Any]) -> tuple[Numbers, Callable[[], Numbers]]:
    """Makes a run of `config` with `edits`; a window trains for about `seconds`.

    Args:
      arguments: also `cached`: batches that are kept in memory and repeated (0: read the files);
        `kept`: whether the column cache holds the rows, as from the second epoch on;
        `spread`: the rows of the tables of the user's and the item's id, whose ids are then
        replaced by uniform ones, so that a step's rows lie all over them; `threads`: of each of
        TensorFlow's pools (0: as `easyrec_lite.train` has them).
    """
    from easyrec_lite.core.allocator import keep_freed_memory
    from easyrec_lite.runs.process import load_tensorflow, threads, use_threads

    load_tensorflow()
    from benchmarks.speed.work import work
    from easyrec_lite.checks.check import load_config
    from easyrec_lite.runs.training_run import TrainingRun

    edits = dict(arguments["edits"])
    if arguments.get("kept"):
        edits["data_config.cache.mode"] = "ALWAYS"
    pipeline = load_config(arguments["config"], edits)
    own = threads(pipeline.config.train_config, training=True)
    use_threads(*[arguments.get("threads") or count for count in own])
    keep_freed_memory()
    run = TrainingRun(pipeline, [], evaluate=False)
    data = batches(run, arguments)
    facts: dict[str, Any] = {"work": work(run.parts.model, next(iter(data)))}
    iterator, trainer = iter(data), run.trainer
    with Timer() as first:
        trainer.run(iterator, 1)
    facts["first_step_seconds"] = first.seconds
    size = run.config.data_config.batch_size
    train = windows(lambda steps: trainer.run(iterator, steps), size, arguments["seconds"])
    trainer.take_counts()

    def window() -> Numbers:
        found = train()
        rows, waited = trainer.take_counts()
        return {**found, "rows": rows, "waited": waited}

    return {**facts, "ready_mb": peak_mb()}, window


def batches(run: Any, arguments: dict[str, Any]) -> Any:
    """Returns the endless data set of a run's batches."""
    from easyrec_lite.training.input import ReadPlan

    data = run.config.data_config
    order = ReadPlan(epochs=None, shuffle=data.shuffle, seed=run.config.train_config.seed)
    if arguments.get("kept"):
        for _ in run.input.batches(data.batch_size, dataclasses.replace(order, epochs=1)):
            pass
        assert run.input.cached
    made = run.input.batches(data.batch_size, order)
    if arguments.get("spread"):
        made = made.map(lambda batch: _spread(batch, arguments["spread"]))
    if arguments.get("cached"):
        made = made.take(arguments["cached"]).cache().repeat()
    return made


def _spread(batch: Any, rows: int) -> Any:
    """Replaces the ids of the user and the item by uniform ones below `rows`."""
    import tensorflow as tf

    def drawn(values: Any, salt: int) -> Any:
        found = dict(values)
        for at, name in enumerate(("user_id", "adgroup_id")):
            if name in found:
                seed = tf.stack([batch.position[0] * 4 + 2 * at + salt, batch.position[1]])
                ids = tf.random.stateless_uniform(
                    tf.shape(found[name].ids), seed, 0, rows, tf.int64
                )
                found[name] = type(found[name])(ids)
        return found

    return batch._replace(features=drawn(batch.features, 0), negatives=drawn(batch.negatives, 1))
