"""Parameter servers and their workers: processes that serve the chief."""

from __future__ import annotations

import logging
from pathlib import Path

import tensorflow as tf

import easyrec_lite.distribution.addresses as at
from easyrec_lite.distribution.cluster import Cluster
from easyrec_lite.distribution.connecting import connecting
from easyrec_lite.distribution.ending import RunEndWatcher
from easyrec_lite.distribution.join import wait_for_chief

log = logging.getLogger(__name__)


def serve(cluster: Cluster, folder: Path) -> int:
    """Serves the chief of the cluster until its run ends; returns the run's exit code.

    TensorFlow's server listens on all interfaces and executes whatever it is sent: the network must
    be closed to others.

    Args:
      cluster: the processes; this one is a `ps` or a `worker`.
      folder: the model folder, where the chief announces its end.

    Raises:
      RunError: this process's port is in use.
      PeerLost: the chief did not come within `cluster.join_seconds`.
    """
    watcher = RunEndWatcher(folder)
    each = {role: list(cluster.addresses[role]) for role in ("chief", "worker", "ps")}
    at.check_port(cluster)
    with connecting(cluster):
        tf.distribute.Server(
            tf.train.ClusterSpec(each),
            job_name=cluster.role,
            task_index=cluster.index,
            protocol="grpc",
        )
    log.info("%s serves at %s until the chief has ended", cluster.name, cluster.address)
    wait_for_chief(cluster, folder, lambda: watcher.code() is not None)
    return watcher.wait()
