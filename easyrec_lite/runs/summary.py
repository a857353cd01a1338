"""The text that a run prints at its start and at its end."""

from __future__ import annotations

import platform
import shlex
from pathlib import Path

import google.protobuf
import keras
import tensorflow as tf

from easyrec_lite import __version__
from easyrec_lite.checks.memory import estimate, report
from easyrec_lite.config import Pipeline
from easyrec_lite.config.save import CONFIG_FILE
from easyrec_lite.core import filesystem as fs
from easyrec_lite.evaluation.ranking.report import FILE
from easyrec_lite.evaluation.ranking.verdict import PREFIX
from easyrec_lite.models.base import SCORER
from easyrec_lite.runs.progress import describe_metrics
from easyrec_lite.runs.training_run import TrainingResult
from easyrec_lite.runs.verdict import verdict_lines
from easyrec_lite.serving.manifest import read_manifest
from easyrec_lite.serving.recommender import NAME as RECOMMENDER
from easyrec_lite.training.history import RESULT_FILE


def start(pipeline: Pipeline) -> str:
    """Returns versions, devices, and the table of features with the memory they need."""
    versions = {
        "easyrec_lite": __version__,
        "Python": platform.python_version(),
        "TensorFlow": tf.__version__,
        "Keras": keras.__version__,
        "protobuf": google.protobuf.__version__,
    }
    devices = [device.name.removeprefix("/physical_device:") for device in _devices()]
    return "\n".join(
        [
            "  ".join(f"{name} {version}" for name, version in versions.items()),
            f"devices: {', '.join(devices)}; config: {pipeline.file}",
            report(estimate(pipeline)),
        ]
    )


def _devices() -> list[tf.config.PhysicalDevice]:
    return tf.config.list_physical_devices()


def finish(pipeline: Pipeline, result: TrainingResult) -> str:
    """Returns how the run ended, and the paths of its outputs."""
    folder = pipeline.config.model_dir
    lines = [f"done at step {result.step}: {result.reason}"]
    if result.metrics:
        lines.append(f"evaluation: {describe_metrics(result.metrics)}")
        lines.append("  (recall@k here ranks among a batch's own candidates, not among all items)")
    ranked = any(name.startswith(PREFIX) for name in result.metrics)
    if ranked:
        lines += verdict_lines(Path(folder), result.step)
    made = {
        "checkpoint": result.checkpoint,
        "config": f"{folder}/{CONFIG_FILE}",
        "metrics": f"{folder}/{RESULT_FILE}" if result.metrics else None,
        "ranking": f"{folder}/{FILE}" if ranked else None,
        "export": result.export,
    }
    lines += [f"{name + ':':<12}{path}" for name, path in made.items() if path]
    return "\n".join(lines)


def next_commands(pipeline: Pipeline, result: TrainingResult) -> str:
    """Returns the commands to type after a run."""
    folder = pipeline.config.model_dir
    config = shlex.quote(f"{folder}/{CONFIG_FILE}")
    lines = ["next:"]
    ranking = " --full_ranking" if result.export and fs.is_dir(result.export / RECOMMENDER) else ""
    lines.append(f"  python -m easyrec_lite.evaluate --config {config}{ranking}")
    if result.export:
        export = shlex.quote(str(result.export))
        lines.append(
            f"  python -m easyrec_lite.predict --saved_model_dir {export} "
            f"--input_path {shlex.quote(pipeline.config.eval_input_path)} "
            f"--output_path {shlex.quote(f'{folder}/predictions.csv')}"
        )
        if fs.is_dir(result.export / RECOMMENDER):
            lines.append(
                f"  python -m easyrec_lite.recommend --saved_model_dir {export} "
                f"--input_path {shlex.quote(pipeline.config.eval_input_path)} "
                f"--output_path {shlex.quote(f'{folder}/recommended.csv')}"
            )
        offered = [name for name in read_manifest(result.export)["models"] if name != RECOMMENDER]
        shown = next((name for name in offered if name != SCORER), SCORER)
        model = shlex.quote(f"{result.export}/{shown}")
        lines.append(f"  saved_model_cli show --dir {model} --all")
    return "\n".join(lines)
