"""Parameter servers: the chief, which schedules steps, saves and evaluates."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import PeerLost, Place, Problem
from easyrec_lite.data.rows.share import Share
from easyrec_lite.distribution.asynchronous import AsynchronousTrainer
from easyrec_lite.distribution.base import Distribution, Replica, open_input, order_from
from easyrec_lite.distribution.cluster import Cluster
from easyrec_lite.distribution.connecting import connecting
from easyrec_lite.distribution.join import wait_for_servers
from easyrec_lite.features import sharded
from easyrec_lite.models.assembly import build
from easyrec_lite.training.checkpoints import GONE, Checkpoints
from easyrec_lite.training.optimizer import Optimizer, check_frozen

log = logging.getLogger(__name__)


class ParameterServers(Distribution):
    """Variables on parameter servers, updated by workers that read their shares of the data.

    Args:
      pipeline: the config.
      cluster: the processes; this one is the chief.

    Raises:
      RunError: this process's port is in use.
      PeerLost: a process did not come within `cluster.join_seconds`.
      others: as `make_replica`.
    """

    trainer: AsynchronousTrainer

    def __init__(self, pipeline: Pipeline, cluster: Cluster):
        super().__init__(pipeline)
        self._cluster = cluster
        self._share = Share(0, cluster.workers)
        wait_for_servers(cluster)
        servers = len(cluster.addresses["ps"])
        with connecting(cluster):
            strategy = tf.distribute.ParameterServerStrategy(
                _resolver(cluster), variable_partitioner=sharded.partitioner(servers)
            )
        for name in ("absl", "tensorflow"):
            logging.getLogger(name).addFilter(_first_line)
        self._coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
        with strategy.scope():
            parts = build(pipeline)
            opened = open_input(pipeline, parts, self._share)
        opened.reader.check_files()
        model = parts.model
        check_frozen(pipeline, model.trainable)
        optimizer = Optimizer(pipeline.config.train_config, model.trainable, set(model.tables))
        with strategy.scope():
            self.trainer = AsynchronousTrainer(
                model, optimizer, self._coordinator, cluster.workers, parts.transform.features
            )
        self.replicas = [Replica(parts, optimizer, self.trainer, opened)]

    def iterator(self) -> Any:
        """Returns an iterator on each worker, over its share of the data."""
        opened, data = self.replicas[0].input, self.pipeline.config.data_config
        positions = self.trainer.positions

        @tf.function(autograph=False)
        def batches() -> tf.data.Dataset:
            worker = tf.distribute.coordinator.experimental_get_current_worker_index()
            opened.reader.share = Share(worker, self._cluster.workers)
            order = order_from(self.pipeline, positions[worker])
            made: tf.data.Dataset = opened.batches(data.batch_size, order, data.drop_remainder)
            return made

        made = self._coordinator.create_per_worker_dataset(batches)
        opened.reader.share = self._share
        log.info("training data: %s", opened.reader.describe())
        return iter(made)

    def own_variables(self) -> dict[str, tf.Variable]:
        """Returns the position of every worker in its data."""
        return {"positions": self.trainer.positions}

    def restore(self, checkpoints: Checkpoints) -> str | None:
        """Restores the newest checkpoint of any distribution, and each worker's position."""
        prefix = super().restore(checkpoints)
        if not self.trainer.resume() and prefix:
            epoch, row = self.trainer.position.numpy()
            log.warning(
                "the checkpoint belongs to other workers: all start at row %d of epoch %d, so that "
                "rows that some of those had read may be read twice",
                row,
                epoch,
            )
        return prefix

    def lost(self, error: tf.errors.OpError) -> PeerLost | None:
        """Returns the error that a parameter server is gone, if that is why TensorFlow failed."""
        return PeerLost(_lost(str(error), self._cluster)) if isinstance(error, GONE) else None

    def locate(self, row: int) -> Place:
        """Returns no place: the row belongs to the share of an unknown worker."""
        return Place()

    def describe(self) -> Sequence[str]:
        """Returns the number of workers and servers, and the tables in parts."""
        size = self.pipeline.config.data_config.batch_size
        tables = self.replicas[0].parts.model.tables
        cuts = {name: len(sharded.parts(name, table)) for name, table in tables.items()}
        several = [f"{name} in {count}" for name, count in cuts.items() if count > 1]
        return [
            f"{self._cluster.workers} workers train asynchronously on batches of {size} rows; "
            f"{len(self._cluster.addresses['ps'])} parameter servers hold the variables",
            "tables in parts: " + (", ".join(several) or "none (see max_partitions)"),
        ]


def _resolver(cluster: Cluster) -> tf.distribute.cluster_resolver.ClusterResolver:
    each = {role: list(cluster.addresses[role]) for role in ("chief", "worker", "ps")}
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec(each), task_type="chief", task_id=0, rpc_layer="grpc"
    )


def _first_line(record: logging.LogRecord) -> bool:
    """Shortens what TensorFlow's coordinator logs of a lost process, pages, to one line."""
    lines = [line for line in record.getMessage().splitlines() if line.strip()]
    record.msg, record.args = (lines or [""])[0], ()
    return True


def _lost(error: str, cluster: Cluster) -> Problem:
    named = re.search(r"/job:ps/replica:0/task:(\d+)", error)
    lines = [line for line in error.splitlines() if line.strip()]
    if named:
        index = int(named[1])
        lines = [f"no answer of ps {index} at {cluster.addresses['ps'][index]}"]
    return Problem(
        "a parameter server is gone, or cannot be reached",
        Place("TF_CONFIG"),
        found=lines[0][:300] if lines else "no answer",
        remedy="see its own log; then start the same command again on all machines: it resumes "
        "from the newest checkpoint",
    )
