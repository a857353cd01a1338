"""The processes of a cluster that do not start training: servers, their workers, evaluators."""

from __future__ import annotations

from pathlib import Path

from easyrec_lite.config import Pipeline
from easyrec_lite.distribution.cluster import Cluster
from easyrec_lite.distribution.server import serve
from easyrec_lite.runs.evaluator import evaluate_each


def play(pipeline: Pipeline, cluster: Cluster) -> int:
    """Plays the role of this process until the chief's run ends; returns that run's exit code.

    Raises: as `evaluate_each` or `serve`.
    """
    if cluster.role == "evaluator":
        return evaluate_each(pipeline)
    return serve(cluster, Path(pipeline.config.model_dir))
