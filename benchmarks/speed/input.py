"""The input alone: each reader's raw rows, and batches made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.speed import data
from benchmarks.speed.bench import Bench, spread, taking_turns
from benchmarks.speed.rows import LISTWISE, ROWS
from benchmarks.speed.worker import Numbers, Worker, windows

TITLE = "input: rows/s of each reader without a model"
NOTES = (
    "raw: columns as the reader gives them; batches: transformed to ids, with 1024 negatives where "
    "the config has a sampler. How much of a training step waits for input: section step"
)
# Format → its input_type, and what writes it.
FORMATS: dict[str, tuple[str, Callable[..., None] | None]] = {
    "csv": ("CSVInput", None),
    "csv, plain split": ("CSVInputEx", None),
    "parquet": ("ParquetInput", data.parquet),
    "tfrecord": ("TFRecordInput", data.tfrecord),
}


def run(bench: Bench) -> Iterator[Numbers]:
    """Yields a line a format, then one for pointwise batches of CSV."""
    for name in FORMATS:
        yield _line(bench, f"{name}, listwise", LISTWISE, name)
    yield _line(bench, "csv, pointwise", ROWS[0], "csv")


def _line(bench: Bench, label: str, row: Any, form: str) -> Numbers:
    arguments = {**bench.arguments(row), "format": form, "scratch": str(bench.scratch)}
    with (
        Worker("input:job", **arguments, raw=True) as raw,
        Worker("input:job", **arguments, raw=False) as made,
    ):
        both = taking_turns([raw, made], bench.repeats)
    columns = zip(("raw", "batches"), both, strict=True)
    return {
        "input": label,
        **{
            f"{name} {unit}": spread([measure(window) for window in windows])
            for name, windows in columns
            for unit, measure in (
                ("rows/s", lambda window: window["rows"] / window["seconds"]),
                ("CPU s/1e6", lambda window: window["cpu"] / window["rows"] * 1e6),
            )
        },
    }


def job(arguments: dict[str, Any]) -> tuple[Numbers, Callable[[], Numbers]]:
    """Opens the input of `config` in `format`; a window reads for about `seconds`.

    Args:
      arguments: also `raw`: whether to stop at the raw columns; `scratch`: where files of other
        formats go.
    """
    from pathlib import Path

    from easyrec_lite.checks.check import load_config
    from easyrec_lite.runs.process import load_tensorflow

    load_tensorflow()
    from easyrec_lite.models.assembly import build
    from easyrec_lite.training.input import BatchInput, ReadPlan

    edits = dict(arguments["edits"])
    kind, write = FORMATS[arguments["format"]]
    source = edits["train_input_path"]
    if write:
        target = Path(arguments["scratch"], f"{Path(source).name}.{arguments['format']}")
        if not target.exists():
            write(load_config(arguments["config"], edits), source, target)
        edits["train_input_path"] = str(target)
    pipeline = load_config(arguments["config"], {**edits, "data_config.input_type": kind})
    parts = build(pipeline)
    config = pipeline.config
    size = config.data_config.batch_size
    made = BatchInput(
        pipeline,
        config.train_input_path,
        parts.transform,
        parts.model.extra_columns,
        parts.candidate_features,
        training=True,
    )
    if arguments["raw"]:
        batches = made.reader.batches(size, epochs=None, shuffle=True)
    else:
        batches = made.batches(size, ReadPlan(epochs=None, shuffle=True))
    iterator = iter(batches)

    def read(count: int) -> None:
        for _ in range(count):
            next(iterator)

    return {}, windows(read, size, arguments["seconds"], tried=10)
