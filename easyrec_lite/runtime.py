"""Set-up of a process that is about to run TensorFlow for a config."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from easyrec_lite.config import Pipeline


def prepare(pipeline: Pipeline) -> None:
    """Prints the config's warnings, then loads TensorFlow with the config's thread counts.

    TensorFlow's own start-up notes are kept off the screen unless `TF_CPP_MIN_LOG_LEVEL` is set.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    for warning in pipeline.warnings:
        print(warning, file=sys.stderr)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.get_logger().setLevel(logging.ERROR)
    config = pipeline.config.train_config
    if config.inter_op_parallelism_threads:
        tf.config.threading.set_inter_op_parallelism_threads(config.inter_op_parallelism_threads)
    if config.intra_op_parallelism_threads:
        tf.config.threading.set_intra_op_parallelism_threads(config.intra_op_parallelism_threads)


def set_aside(model_dir: str) -> None:
    """Renames a model folder that holds something, so that a run starts afresh and nothing goes."""
    folder = Path(model_dir)
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    number = 1
    while (target := folder.with_name(f"{folder.name}.old-{number}")).exists():
        number += 1
    folder.rename(target)
    print(f"{folder} was moved to {target}: --continue_train=false starts afresh")
