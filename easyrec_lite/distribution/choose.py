"""The distribution for a config and a cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from easyrec_lite.config import Pipeline
from easyrec_lite.distribution.base import Distribution
from easyrec_lite.distribution.cluster import VARIABLE, Cluster, Mode, mode_of
from easyrec_lite.distribution.connecting import connecting
from easyrec_lite.distribution.join import meet
from easyrec_lite.distribution.one import SingleProcess
from easyrec_lite.distribution.parameters import ParameterServers
from easyrec_lite.distribution.synchronous import SynchronousReplicas


def open_distribution(pipeline: Pipeline, cluster: Cluster | None) -> Distribution:
    """Returns the distribution of a run, with its models built and its data opened.

    Raises:
      ConfigError: `train_distribute` and the cluster do not go together, or as `make_replica`.
      DataError: as `make_replica`.
      RunError: this process's port is in use.
      PeerLost: another process of the cluster did not come in time.
    """
    mode = mode_of(pipeline, cluster)
    if mode is Mode.MULTI_WORKER and cluster is not None:
        return _several_processes(pipeline, cluster)
    if mode is Mode.PS and cluster is not None:
        return ParameterServers(pipeline, cluster)
    if mode in (Mode.MIRRORED, Mode.MULTI_WORKER):
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        with _no_variable():
            strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
        return SynchronousReplicas(pipeline, strategy)
    return SingleProcess(pipeline)


@contextmanager
def _no_variable() -> Iterator[None]:
    """Hides TF_CONFIG, which `MirroredStrategy` reads although its devices are given."""
    hidden = os.environ.pop(VARIABLE, None)
    try:
        yield
    finally:
        if hidden is not None:
            os.environ[VARIABLE] = hidden


def _several_processes(pipeline: Pipeline, cluster: Cluster) -> SynchronousReplicas:
    assert cluster.worker is not None
    kinds = {role: list(cluster.addresses.get(role, ())) for role in ("chief", "worker")}
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({role: listed for role, listed in kinds.items() if listed}),
        task_type=cluster.role,
        task_id=cluster.index,
        rpc_layer="grpc",
    )
    meet(cluster)
    with connecting(cluster):
        strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    return SynchronousReplicas(pipeline, strategy, cluster.worker, cluster.workers)
