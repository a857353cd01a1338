"""The processes of parameter servers: those that hold variables, and those that train."""

from __future__ import annotations

import logging
from pathlib import Path

import tensorflow as tf

from easyrec_lite.distribution.cluster import Cluster
from easyrec_lite.distribution.ending import RunEndWatcher

log = logging.getLogger(__name__)


def serve(cluster: Cluster, folder: Path) -> int:
    """Serves the chief of the cluster until its run ends; returns the run's exit code.

    TensorFlow's server listens on all interfaces and does what anybody who reaches it asks: the
    network must be closed to others.

    Args:
      cluster: the processes; this one is a `ps` or a `worker`.
      folder: the model folder, where the chief says that it has ended.
    """
    ending = RunEndWatcher(folder)
    each = {role: list(cluster.addresses[role]) for role in ("chief", "worker", "ps")}
    tf.distribute.Server(
        tf.train.ClusterSpec(each),
        job_name=cluster.role,
        task_index=cluster.index,
        protocol="grpc",
    )
    log.info("%s serves at %s until the chief has ended", cluster.name, cluster.address)
    return ending.wait()
