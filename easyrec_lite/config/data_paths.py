"""The data paths of a config."""

from __future__ import annotations

from easyrec_lite.config.pipeline import Pipeline


def train_path(pipeline: Pipeline) -> str:
    """Returns the path of the training data."""
    return pipeline.config.train_input_path or pipeline.config.parquet_train_input


def eval_path(pipeline: Pipeline) -> str:
    """Returns the path of the evaluation data, '' when the config names none."""
    return pipeline.config.eval_input_path or pipeline.config.parquet_eval_input
