"""TF_CONFIG, and what a config and a cluster make of each other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from easyrec_lite.config import loads
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.distribution.cluster import Cluster, Mode, mode_of, problems_of
from easyrec_lite.distribution.tf_config import read_cluster
from tests.config.base_config import POINTWISE, assert_reported, replaced

SYNC = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
PS = {**SYNC, "ps": ["d:1", "e:1"]}


def tf_config(cluster: Any, role: Any = "worker", index: Any = 0) -> str:
    return json.dumps({"cluster": cluster, "task": {"type": role, "index": index}})


def cluster_of(cluster: Any, role: str = "worker", index: int = 0) -> Cluster:
    found = read_cluster(tf_config(cluster, role, index))
    assert found is not None
    return found


def problems(text: str) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        read_cluster(text)
    assert all(problem.place.file == "TF_CONFIG" for problem in caught.value.problems)
    return list(caught.value.problems)


def pipeline(strategy: str, more: str = "") -> Any:
    text = f"num_steps: 10 train_distribute: {strategy} {more}"
    return loads(replaced(POINTWISE, "num_steps: 10", text))


@pytest.mark.parametrize("text", ["", "  ", "{}", '{"task": {}}', '{"cluster": {}}'])
def test_no_cluster(text: str) -> None:
    assert read_cluster(text) is None


def test_all_processes_of_a_synchronous_cluster() -> None:
    chief = cluster_of(SYNC, "chief")
    first, second = (cluster_of(SYNC, "worker", index) for index in range(2))
    assert [c.worker for c in (chief, first, second)] == [0, 1, 2]
    assert [c.chief for c in (chief, first, second)] == [True, False, False]
    assert {c.workers for c in (chief, first, second)} == {3}
    assert [c.address for c in (chief, first, second)] == ["a:1", "b:1", "c:1"]


def test_with_parameter_servers_the_chief_does_not_train() -> None:
    each = [
        cluster_of(PS, role, index)
        for role, index in (("chief", 0), ("worker", 0), ("worker", 1), ("ps", 0), ("ps", 1))
    ]
    assert [c.worker for c in each] == [None, 0, 1, None, None]
    assert [c.chief for c in each] == [True, False, False, False, False]
    assert {c.workers for c in each} == {2}


def test_worker_0_is_the_chief_where_there_is_none() -> None:
    workers = {"worker": ["b:1", "c:1"]}
    assert [cluster_of(workers, index=i).chief for i in range(2)] == [True, False]


def test_master_is_the_older_name_of_the_chief() -> None:
    cluster = {"master": ["a:1"], "worker": ["b:1"]}
    assert cluster_of(cluster, "master") == cluster_of(
        {"chief": ["a:1"], "worker": ["b:1"]}, "chief"
    )
    both = problems(tf_config({**cluster, "chief": ["c:1"]}))
    assert "the same role" in both[0].message


def test_an_evaluator_does_not_train() -> None:
    cluster = {**SYNC, "evaluator": ["f:1"]}
    evaluator = cluster_of(cluster, "evaluator")
    assert (evaluator.chief, evaluator.worker, evaluator.workers) == (False, None, 3)
    assert evaluator.has_evaluator
    assert cluster_of(cluster).has_evaluator
    assert not cluster_of(SYNC).has_evaluator


@pytest.mark.parametrize(
    ("cluster", "role", "index", "path", "words"),
    [
        (SYNC, "wrker", 0, "task.type", "nearest:  worker"),
        (SYNC, 5, 0, "task.type", "unknown task type 5"),
        (SYNC, "ps", 0, "task.type", "the cluster has no ps"),
        (SYNC, "worker", 2, "task.index", "a whole number from 0 to 1"),
        (SYNC, "worker", -1, "task.index", "found:    -1"),
        (SYNC, "worker", "0", "task.index", "found:    '0'"),
        (SYNC, "worker", True, "task.index", "found:    True"),
        (SYNC, "evaluator", 0, "task.type", "in the TF_CONFIG of all"),
        ({**SYNC, "workers": ["d:1"]}, "worker", 0, "cluster.workers", "nearest:  worker"),
        ({**SYNC, "ps": "d:1"}, "worker", 0, "cluster.ps", "not a list"),
        ({"worker": ["a"]}, "worker", 0, "cluster.worker[0]", "host:port"),
        ({"worker": ["a:b"]}, "worker", 0, "cluster.worker[0]", "host:port"),
        ({"worker": ["a:0"]}, "worker", 0, "cluster.worker[0]", "host:port"),
        ({"worker": ["a:65536"]}, "worker", 0, "cluster.worker[0]", "host:port"),
        ({"worker": ["http://a:1"]}, "worker", 0, "cluster.worker[0]", "host:port"),
        ({"worker": ["::1:22"]}, "worker", 0, "cluster.worker[0]", "host:port"),
        ({"worker": ["a:1", "a:1"]}, "worker", 0, "cluster.worker[1]", "a:1"),
        ({**SYNC, "ps": ["a:1"]}, "worker", 0, "cluster.ps[0]", "cluster.chief[0]"),
        ({"chief": ["a:1", "b:1"]}, "chief", 0, "cluster.chief", "2 processes"),
        ({"worker": ["a:1"], "ps": ["b:1"]}, "worker", 0, "cluster", "no chief"),
        ({"chief": ["a:1"], "ps": ["b:1"]}, "chief", 0, "cluster.worker", "no worker"),
        ([1], "chief", 0, "cluster", "not an object"),
    ],
)
def test_what_is_wrong_is_named(cluster: Any, role: Any, index: Any, path: str, words: str) -> None:
    found = problems(tf_config(cluster, role, index))
    assert [problem.path for problem in found] == [path]
    assert words in str(found[0])


@pytest.mark.parametrize("address", ["127.0.0.1:1", "[::1]:22", "my-host.net:65535", "a_b:80"])
def test_addresses(address: str) -> None:
    assert cluster_of({"worker": [address]}).address == address


def test_all_problems_at_once() -> None:
    found = problems(tf_config({"worker": ["a", "b:1", "b:1"]}, "worker", 7))
    assert {problem.path for problem in found} == {
        "task.index",
        "cluster.worker[0]",
        "cluster.worker[2]",
    }


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"cluster": {"worker": ["a:1"]}}'])
def test_what_is_no_tf_config_at_all(text: str) -> None:
    assert problems(text)


@pytest.mark.parametrize(
    ("strategy", "cluster", "mode"),
    [
        ("NoStrategy", None, Mode.ONE),
        ("NoStrategy", {"chief": ["a:1"]}, Mode.ONE),
        ("NoStrategy", {"worker": ["a:1"], "evaluator": ["b:1"]}, Mode.ONE),
        ("NoStrategy", PS, Mode.PS),
        ("PSStrategy", PS, Mode.PS),
        ("MirroredStrategy", None, Mode.MIRRORED),
        ("MultiWorkerMirroredStrategy", SYNC, Mode.MULTI_WORKER),
        ("CollectiveAllReduceStrategy", SYNC, Mode.MULTI_WORKER),
        ("MultiWorkerMirroredStrategy", None, Mode.MULTI_WORKER),
    ],
)
def test_modes(strategy: str, cluster: Any, mode: Mode) -> None:
    role = "chief" if cluster and "chief" in cluster else "worker"
    assert mode_of(pipeline(strategy), cluster and cluster_of(cluster, role)) is mode


@pytest.mark.parametrize(
    ("strategy", "cluster", "words", "nearest"),
    [
        ("PSStrategy", None, "names no ps", "NoStrategy"),
        ("PSStrategy", SYNC, "names no ps", "MultiWorkerMirroredStrategy"),
        ("NoStrategy", SYNC, "3 processes that train", "MultiWorkerMirroredStrategy"),
        ("MirroredStrategy", SYNC, "3 processes that train", "MultiWorkerMirroredStrategy"),
        ("MirroredStrategy", PS, "parameter servers, but", "PSStrategy"),
        ("MultiWorkerMirroredStrategy", PS, "parameter servers, but", "PSStrategy"),
        ("NoStrategy", {"evaluator": ["a:1"]}, "no process that trains", ""),
    ],
)
def test_combinations_without_sense(strategy: str, cluster: Any, words: str, nearest: str) -> None:
    role = "worker" if cluster and "worker" in cluster else "evaluator"
    with pytest.raises(ConfigError) as caught:
        mode_of(pipeline(strategy), cluster and cluster_of(cluster, role))
    assert len(caught.value.problems) == 1
    assert words in str(caught.value)
    assert caught.value.problems[0].nearest == nearest


@pytest.mark.parametrize(
    ("strategy", "nearest"),
    [
        ("HorovodStrategy", "MultiWorkerMirroredStrategy"),
        ("SokStrategy", "PSStrategy"),
        ("EmbeddingParallelStrategy", "PSStrategy"),
        ("ExascaleStrategy", "PSStrategy"),
    ],
)
def test_strategies_of_others_are_refused_by_name(strategy: str, nearest: str) -> None:
    text = replaced(POINTWISE, "num_steps: 10", f"num_steps: 10 train_distribute: {strategy}")
    assert_reported(text, strategy, f"{strategy} is not offered", f"nearest:  {nearest}")


def told(given: Any, cluster: Any) -> list[str]:
    found = problems_of(given, cluster and cluster_of(cluster))
    assert {problem.severity for problem in found} <= {"warning"}
    return [problem.path for problem in found]


def test_warnings() -> None:
    assert told(pipeline("NoStrategy"), None) == []
    assert told(pipeline("MultiWorkerMirroredStrategy"), None) == ["train_config.train_distribute"]
    assert told(pipeline("PSStrategy"), PS) == ["train_config.sync_replicas"]
    assert told(pipeline("PSStrategy", "sync_replicas: false"), PS) == []
    norm = "sync_replicas: false sync_batch_norm: true"
    assert told(pipeline("PSStrategy", norm), PS) == ["train_config.sync_batch_norm"]
    assert told(pipeline("MultiWorkerMirroredStrategy", norm), SYNC) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("input_type: CSVInput", "input_type: ParquetInput", "cannot read ParquetInput"),
        ("batch_size: 8", "batch_size: 8 bad_row_policy: SKIP", "bad rows"),
        ("batch_size: 8", "batch_size: 8 file_shard: true", "share rows, not files"),
        ("batch_size: 8", 'batch_size: 8 encoding: "gbk"', "cannot decode gbk"),
    ],
)
def test_what_workers_of_parameter_servers_cannot_do(old: str, new: str, words: str) -> None:
    given = loads(replaced(POINTWISE, old, new))
    assert mode_of(given, None) is Mode.ONE
    with pytest.raises(ConfigError) as caught:
        mode_of(given, cluster_of(PS))
    assert words in str(caught.value)


def test_parts_of_a_table_are_told_of_where_there_are_none() -> None:
    text = replaced(POINTWISE, "hash_bucket_size: 100", "hash_bucket_size: 100 max_partitions: 4")
    assert told(loads(text), None) == ["feature_config.features[0].max_partitions"]
    ps = replaced(text, "num_steps: 10", "num_steps: 10 sync_replicas: false")
    assert told(loads(ps), PS) == []
