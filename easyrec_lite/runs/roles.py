"""What the processes of a cluster do that neither train by themselves nor are the chief."""

from __future__ import annotations

from pathlib import Path

from easyrec_lite.config import Pipeline
from easyrec_lite.distribution.cluster import Cluster
from easyrec_lite.distribution.server import serve
from easyrec_lite.runs.evaluator import evaluate_each


def play(pipeline: Pipeline, cluster: Cluster) -> int:
    """Does the part of this process until the chief's run ends; returns that run's exit code.

    Raises: as `evaluate_each`, for the evaluator.
    """
    if cluster.role == "evaluator":
        return evaluate_each(pipeline)
    return serve(cluster, Path(pipeline.config.model_dir))
