"""The commands, `python -m easyrec_lite.NAME` or `easyrec-lite NAME`, with a line each."""

from __future__ import annotations

from collections.abc import Mapping

COMMANDS: Mapping[str, str] = {
    "check": "Check a config: its problems, its tables, the memory that it needs.",
    "explain": "Print what a field, message or enum of the config schema means.",
    "train": "Train to the end of the config's steps, evaluate and export.",
    "evaluate": "Evaluate a checkpoint, the newest by default, on eval_input_path.",
    "export": "Export a checkpoint: scorer, towers; with an item table also a recommender.",
    "predict": "Write an exported model's outputs for each row of a file, as CSV or Parquet.",
    "recommend": "Print or write the K best items for each user, with the items' columns.",
    "build_index": "Build an approximate index of the item vectors of an export.",
    "tune": "Search settings of a config by trials on validation data.",
    "report": "Write report.html: curves, metrics, ranking, feature weights, example users.",
    "compare": "Compare the full rankings of runs: metrics, a paired test, config differences.",
    "make_item_table": "Write an item table, to sample, rank or recommend, from training rows.",
    "cache": "List or remove the rows that runs keep on disk (data_config.cache).",
    "datasets": "Make a data set to train on.",
    "launch": "Start a cluster of processes on this machine, to try and test one.",
}
