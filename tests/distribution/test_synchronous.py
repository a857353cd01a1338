"""Replicas that step together: real processes, against one process with the batches of all."""

from __future__ import annotations

import io
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.distributed import equivalence
from benchmarks.distributed.equivalence import CASES, Case, command, difference, losses
from benchmarks.faults.cases import make_data
from easyrec_lite.checks.check import load_config
from easyrec_lite.core.errors import PeerLost
from easyrec_lite.distribution.local_cluster import LocalCluster
from easyrec_lite.runs.estimator import Estimator
from easyrec_lite.training.checkpoint_files import checkpoint_paths
from easyrec_lite.training.checkpoint_reading import read_variables
from easyrec_lite.training.preemption import EXIT_CODE
from tests.e2e.running import few_features

TOGETHER = "MultiWorkerMirroredStrategy"
CLOSE = 1e-4
PATIENCE = 240.0


def few(case: Case, model: str) -> dict[str, Any]:
    """Returns the case's edits, with few features and narrow towers."""
    towers = (f"model_config.{model}.{side}_tower.dnn.hidden_units" for side in ("user", "item"))
    return {**case.edits, **few_features(), **{path: [16, 8] for path in towers}}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("data")
    make_data(folder)
    return folder


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory) -> tuple[Case, dict[int, float]]:
    """A case that saves on its way, and its losses in one process."""
    case = CASES["dssm_senet, masks, logQ counted"]
    edits = {**few(case, "dssm_senet"), "train_config.save_checkpoints_steps": 5}
    case = replace(case, edits=edits, steps=80)
    model = tmp_path_factory.mktemp("one") / "model"
    return case, in_one_process(case, data, model)


def in_one_process(case: Case, data: Path, model: Path) -> dict[int, float]:
    """Trains a case in this process; returns its losses."""
    Estimator(load_config(command(case, data, model, "NoStrategy")[0].split("=")[1])).train()
    return losses(model)


@contextmanager
def workers(flags: list[str]) -> Iterator[tuple[LocalCluster, Callable[[], str]]]:
    """Two workers, and what they have said so far."""
    said = io.BytesIO()
    with LocalCluster({"worker": 2}, ["-m", "easyrec_lite.train", *flags], said) as cluster:
        cluster.start()
        yield cluster, lambda: said.getvalue().decode()


def wait_for(what: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def codes(cluster: LocalCluster) -> list[int | None]:
    for member in cluster.members:
        member.process.wait(PATIENCE)
    return [member.code for member in cluster.members]


def test_mirrored_devices_do_as_one_process(data, tmp_path) -> None:
    case = CASES["dssm pointwise, weights, to the last row"]
    case = replace(case, edits=few(case, "dssm"))
    expected = in_one_process(case, data, tmp_path / "one")
    model = tmp_path / "model"
    how = "MirroredStrategy"
    equivalence.train(command(case, data, model, how), how)
    assert difference(losses(model), expected) < CLOSE


def test_a_run_killed_then_told_to_go_comes_to_the_same_in_one_process(
    data, whole, tmp_path
) -> None:
    """SIGKILL to one ends the other, and SIGTERM to one is SIGTERM to all."""
    case, expected = whole
    model = tmp_path / "model"
    flags = command(case, data, model, TOGETHER)
    with workers(flags) as (cluster, said):
        wait_for(lambda: checkpoint_paths(model))
        cluster.members[1].process.send_signal(signal.SIGKILL)
        assert codes(cluster) == [PeerLost.exit_code, 128 + signal.SIGKILL]
        assert "another process of this run is gone" in said()
        assert "Traceback" not in said()
    saved = int(checkpoint_paths(model)[-1].rpartition("-")[2])
    with workers(flags) as (cluster, said):
        wait_for(lambda: f"step {saved + 3}/" in said())
        cluster.members[1].process.send_signal(signal.SIGTERM)
        assert codes(cluster) == [EXIT_CODE, EXIT_CODE]
        assert f"from {model}/model.ckpt-{saved}" in said()
    steps = losses(model)
    assert checkpoint_paths(model)[-1].endswith(f"-{max(steps)}")
    assert saved < max(steps) < case.steps
    assert difference(in_one_process(case, data, model), expected) < CLOSE


def test_files_of_their_own_end_unevenly_and_nothing_is_lost(data, tmp_path) -> None:
    rows = (data / "train.csv").read_text().splitlines(keepends=True)
    counts = [100, 45, 7]
    for number, count in enumerate(counts):
        (tmp_path / f"part{number}.csv").write_text("".join(rows[:count]))
        rows = rows[count:]
    edits = {
        "train_input_path": str(tmp_path / "part*.csv"),
        "data_config.file_shard": True,
        "data_config.num_epochs": 1,
        "data_config.batch_size": 10,
        "train_config.log_step_count_steps": 5,  # the loop asks for several steps at once
    }
    case = Case("dssm_on_taobao", edits, steps=0, rows="train.csv")
    case = replace(case, edits=few(case, "dssm"))
    flags = command(case, data, tmp_path / "model", "MirroredStrategy")
    equivalence.train(flags, "MirroredStrategy", replicas=3)
    (prefix,) = checkpoint_paths(tmp_path / "model")
    found = read_variables(prefix, ["file_positions", "position", "global_step"])
    assert found["file_positions"].tolist() == [[0, count] for count in counts]
    assert found["position"].tolist() == [0, 0]
    assert found["global_step"] == 10


def test_the_negatives_of_a_row_are_told(data, tmp_path) -> None:
    from easyrec_lite.runs.training_run import negatives

    edits = {"data_config.batch_size": 30, "data_config.negative_sampler.num_sample": 8}
    config = load_config("dssm_senet_on_taobao", edits)
    assert negatives(config, 1) == "up to 29 of the batch's other rows, and 8 sampled"
    assert "up to 29 other rows of its own replica, and 8 sampled" in negatives(config, 4)
    assert "would have 119" in negatives(config, 4)
    config.config.model_config.softmax.cross_replica_negatives = True
    assert negatives(config, 4) == "up to 119 other rows of all replicas, and 32 sampled"
    catalogue = load_config("sequence_match_on_movielens")
    assert negatives(catalogue, 1) == negatives(catalogue, 4)
    assert "all other ids of 'item_id', of 3,953" in negatives(catalogue, 1)
