"""The processes of a run, and how it is distributed over them. No TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from easyrec_lite.checks.encoding import UTF8, text_codec
from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.reader import READERS, reader_names
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, Place, Problem

VARIABLE = "TF_CONFIG"
ROLES = ("chief", "worker", "ps", "evaluator")
PATH = "train_config.train_distribute"
JOIN_SECONDS = 600.0
NOT_IN_STEP = "no effect here: workers of parameter servers do not step together"


@dataclass(frozen=True)
class Cluster:
    """The processes of a run, and which of them this one is.

    Attributes:
      role: the role of this process, one of `ROLES`.
      index: its number among the processes of its role.
      addresses: role → `host:port` of each process; roles without any are left out.
      join_seconds: how long to wait for the other processes at the start.
    """

    role: str
    index: int
    addresses: Mapping[str, tuple[str, ...]]
    join_seconds: float = JOIN_SECONDS

    @property
    def has_ps(self) -> bool:
        """Whether there are parameter servers."""
        return "ps" in self.addresses

    @property
    def has_evaluator(self) -> bool:
        """Whether a separate process evaluates and exports, instead of the chief."""
        return "evaluator" in self.addresses

    @property
    def chief(self) -> bool:
        """Whether this process saves, evaluates and exports: the chief, or else worker 0."""
        if self.role == "chief":
            return True
        return self.role == "worker" and self.index == 0 and "chief" not in self.addresses

    @property
    def follows(self) -> bool:
        """Whether this process does not start training: it serves the chief or evaluates."""
        return not self.chief and (self.has_ps or self.role == "evaluator")

    @property
    def training(self) -> dict[str, str]:
        """Name → address of the processes that train; with ps the chief does not train."""
        roles = ("worker",) if self.has_ps else ("chief", "worker")
        return {
            f"{role} {index}": address
            for role in roles
            for index, address in enumerate(self.addresses.get(role, ()))
        }

    @property
    def workers(self) -> int:
        """The number of processes that train."""
        return len(self.training)

    @property
    def worker(self) -> int | None:
        """The number of this process among those that train; None when it does not."""
        names = list(self.training)
        return names.index(self.name) if self.name in names else None

    @property
    def address(self) -> str:
        """The `host:port` of this process."""
        return self.addresses[self.role][self.index]

    @property
    def name(self) -> str:
        """The name of this process in messages, such as `worker 1`."""
        return f"{self.role} {self.index}"


class Mode(Enum):
    """How a run is distributed.

    ONE: one process, one device. MIRRORED: the devices of one process, synchronous. MULTI_WORKER:
    several processes, synchronous. PS: asynchronous workers, variables on parameter servers.
    """

    ONE = "one process"
    MIRRORED = "devices of one process, synchronous"
    MULTI_WORKER = "processes, synchronous"
    PS = "parameter servers, asynchronous"


_MODES = {
    "NoStrategy": Mode.ONE,
    "MirroredStrategy": Mode.MIRRORED,
    "MultiWorkerMirroredStrategy": Mode.MULTI_WORKER,
    "CollectiveAllReduceStrategy": Mode.MULTI_WORKER,
    "PSStrategy": Mode.PS,
}


def mode_of(pipeline: Pipeline, cluster: Cluster | None) -> Mode:
    """Returns the mode of a checked config in a cluster.

    Raises:
      ConfigError: `train_distribute` and the cluster do not go together.
    """
    problems = [p for p in problems_of(pipeline, cluster) if p.severity == "error"]
    if problems:
        raise ConfigError(problems)
    return _mode(pipeline, cluster)


def _mode(pipeline: Pipeline, cluster: Cluster | None) -> Mode:
    mode = _MODES[enum_name(pipeline.config.train_config, "train_distribute")]
    if mode is Mode.ONE and cluster is not None and cluster.has_ps:
        return Mode.PS
    return mode


def problems_of(pipeline: Pipeline, cluster: Cluster | None) -> list[Problem]:
    """Returns the errors and warnings of a checked config in a cluster."""
    problems = [*_mismatches(pipeline, cluster), *_without_effect(pipeline, cluster)]
    return list(dict.fromkeys(problems))


def _mismatches(pipeline: Pipeline, cluster: Cluster | None) -> Iterator[Problem]:
    name = enum_name(pipeline.config.train_config, "train_distribute")
    mode = _mode(pipeline, cluster)
    place = pipeline.place(PATH)
    if mode is Mode.PS and (cluster is None or not cluster.has_ps):
        yield Problem(
            f"{name}, but TF_CONFIG names no ps",
            place,
            PATH,
            expected="TF_CONFIG with chief, worker and ps",
            nearest="MultiWorkerMirroredStrategy" if cluster else "NoStrategy",
            remedy="start it by python -m easyrec_lite.launch --workers 2 --ps 2 -- train …",
        )
    elif mode is Mode.MULTI_WORKER and cluster is None:
        yield Problem(
            f"{name} without TF_CONFIG: this process is the only worker",
            place,
            PATH,
            remedy="start it by python -m easyrec_lite.launch --workers 2 -- train …",
            severity="warning",
        )
    elif cluster is not None:
        yield from _of_cluster(name, mode, cluster)


def _of_cluster(name: str, mode: Mode, cluster: Cluster) -> Iterator[Problem]:
    place = Place(VARIABLE)
    if mode is not Mode.PS and cluster.has_ps:
        yield Problem(
            f"parameter servers, but train_distribute is {name}, which has none",
            place,
            "cluster.ps",
            nearest="PSStrategy",
            remedy="leave ps out, or set train_config.train_distribute: PSStrategy",
        )
    elif mode in (Mode.ONE, Mode.MIRRORED) and cluster.workers > 1:
        yield Problem(
            f"{cluster.workers} processes that train, but train_distribute is {name}",
            place,
            "cluster",
            expected="one, beside an evaluator",
            nearest="MultiWorkerMirroredStrategy",
            remedy="set train_config.train_distribute, or leave TF_CONFIG unset",
        )
    elif not cluster.workers:
        yield Problem("no process that trains", place, "cluster", expected="a chief or a worker")


def _without_effect(pipeline: Pipeline, cluster: Cluster | None) -> Iterator[Problem]:
    """Yields warnings about options that this mode ignores."""
    if _mode(pipeline, cluster) is Mode.PS:
        yield from _of_parameter_servers(View(pipeline))
        return
    for feature in View(pipeline).features:
        if feature.config.max_partitions > 1:
            yield View(pipeline).warning(
                f"{feature.path}.max_partitions",
                "no effect here: only parameter servers hold tables in parts",
            )


def _of_parameter_servers(view: View) -> Iterator[Problem]:
    """Yields what workers cannot do, since they run no Python code, and what they ignore."""
    data = view.data
    kind = enum_name(data, "input_type")
    if READERS.spec(kind).runs_python:
        yield view.error(
            "data_config.input_type",
            f"workers of parameter servers cannot read {kind}",
            expected="one of " + ", ".join(reader_names(runs_python=False, reads_files=True)),
            remedy="convert the files, or use MultiWorkerMirroredStrategy",
        )
    if text_codec(data) != UTF8:
        yield view.error(
            "data_config.encoding",
            f"workers of parameter servers cannot decode {data.encoding}",
            expected="utf-8",
            remedy="convert the files by iconv, or use MultiWorkerMirroredStrategy",
        )
    if data.bad_row_policy == data.SKIP:
        yield view.error(
            "data_config.bad_row_policy",
            "workers of parameter servers cannot skip bad rows",
            expected="STOP",
            remedy="clean the data files, or use MultiWorkerMirroredStrategy",
        )
    if data.file_shard:
        yield view.error(
            "data_config.file_shard",
            "workers of parameter servers share rows, not files",
            expected="false",
            remedy="remove it, or use MultiWorkerMirroredStrategy",
        )
    if data.cache.mode == data.cache.ALWAYS:
        yield view.warning(
            "data_config.cache.mode", "no effect here: workers of parameter servers read the files"
        )
    if view.model_config.softmax.cross_replica_negatives:
        yield view.warning("model_config.softmax.cross_replica_negatives", NOT_IN_STEP)
    if view.config.train_config.sync_batch_norm:
        yield view.warning("train_config.sync_batch_norm", NOT_IN_STEP)
    if view.config.train_config.sync_replicas:
        yield view.warning(
            "train_config.sync_replicas",
            "no effect here: with parameter servers each worker trains at its own pace",
            remedy="set it to false, or use MultiWorkerMirroredStrategy",
        )
