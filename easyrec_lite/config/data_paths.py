"""Where the data of a config lies."""

from __future__ import annotations

from easyrec_lite.config.pipeline import Pipeline


def train_path(pipeline: Pipeline) -> str:
    """Returns where the training data lies."""
    return pipeline.config.train_input_path or pipeline.config.parquet_train_input


def eval_path(pipeline: Pipeline) -> str:
    """Returns where the evaluation data lies, '' when the config does not say."""
    return pipeline.config.eval_input_path or pipeline.config.parquet_eval_input
