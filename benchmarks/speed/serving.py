"""Speed of an export's towers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.speed.bench import Bench, spread
from benchmarks.speed.rows import LISTWISE
from benchmarks.speed.worker import Numbers, Timer, Worker

TITLE = "serving: the exported towers of the listwise dssm, raw columns in, vectors out"
NOTES = "latencies in milliseconds, a call at a time, after warming up; items in batches of 4096"
CALLS = {1: 300, 256: 100}
ITEM_BATCH = 4096


def run(bench: Bench) -> Iterator[Numbers]:
    """Yields one line."""
    with Worker("serving:job", **bench.arguments(LISTWISE), data=str(bench.data)) as worker:
        windows = [worker.window() for _ in range(bench.repeats)]
    names = [name for name in windows[0] if name != "peak_mb"]
    yield {
        **{name: spread([window[name] for window in windows]) for name in names},
        "load s": worker.facts["load_seconds"],
        "peak MB": windows[-1]["peak_mb"],
    }


def job(arguments: dict[str, Any]) -> tuple[Numbers, Callable[[], Numbers]]:
    """Exports a fresh model and loads its towers; a window calls each some times."""
    from easyrec_lite.checks.check import load_config
    from easyrec_lite.runs.process import load_tensorflow

    load_tensorflow()
    import tensorflow as tf

    from benchmarks.speed.data import text_rows
    from easyrec_lite.models.assembly import build
    from easyrec_lite.serving.export import export_models
    from easyrec_lite.serving.saved_model import SavedModel

    pipeline = load_config(arguments["config"], arguments["edits"])
    parts = build(pipeline)
    folder = export_models(parts, Path(pipeline.config.model_dir), 0)
    with Timer() as loading:
        towers = {name: SavedModel(folder / name) for name in ("user_tower", "item_tower")}
    rows = text_rows(pipeline.config, f"{arguments['data']}/test_clicked.csv")

    def calls(name: str, size: int, count: int) -> list[Callable[[], Any]]:
        tower = towers[name]
        parts = [rows.sample(size, replace=True, random_state=seed) for seed in range(count)]
        columns = [
            {key: _column(tf, part[key].tolist(), spec) for key, spec in tower.inputs.items()}
            for part in parts
        ]
        return [partial(tower, **given) for given in columns]

    users = {size: calls("user_tower", size, count) for size, count in CALLS.items()}
    items = calls("item_tower", ITEM_BATCH, 4)

    def window() -> Numbers:
        found = {}
        for size, each in users.items():
            times = sorted(_milliseconds(call) for call in each)
            found[f"p50 at {size}"] = times[len(times) // 2]
            found[f"p99 at {size}"] = times[len(times) * 99 // 100]
        spent = sum(_milliseconds(call) for call in items)
        return {**found, "items/s": 1e3 * ITEM_BATCH * len(items) / spent}

    window()
    return {"load_seconds": loading.seconds}, window


def _column(tf: Any, texts: list[str], spec: Any) -> Any:
    text = tf.constant(texts)
    return text if spec.dtype == tf.string else tf.strings.to_number(text, spec.dtype)


def _milliseconds(call: Callable[[], Any]) -> float:
    with Timer() as spent:
        for output in call().values():
            output.numpy()
    return 1e3 * spent.seconds
