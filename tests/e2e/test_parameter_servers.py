"""Parameter servers: real processes on this machine, small models, and what becomes of faults."""

from __future__ import annotations

import gzip
import io
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.checks.check import load_config
from easyrec_lite.core.errors import PeerLost
from easyrec_lite.distribution.local_cluster import LocalCluster
from easyrec_lite.distribution.supervision import supervise
from easyrec_lite.runs.estimator import Estimator
from easyrec_lite.training.checkpoint_files import checkpoint_paths
from easyrec_lite.training.checkpoint_reading import read_variables, variable_shapes
from easyrec_lite.training.history import EvaluationHistory
from tests.config.base_config import POINTWISE, replaced

ROWS, BATCH = 600, 10
# Of two workers, each has a batch in each of 30 global batches of an epoch.
STEPS_AN_EPOCH = ROWS // BATCH


class Runs:
    """A folder with a config and its data; clusters that train there."""

    def __init__(self, folder: Path):
        self.folder, self.model = folder, folder / "model"
        random = np.random.default_rng(1)
        for name, count in (("train", ROWS), ("eval", 90)):
            lines = [_row(random) for _ in range(count)]
            (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        text = replaced(
            POINTWISE, '"train.csv"', f'"{folder}/train.csv"\neval_input_path: "{folder}/eval.csv"'
        )
        text = replaced(text, 'model_dir: "run"', f'model_dir: "{self.model}"')
        text = replaced(text, "num_steps: 10", "log_step_count_steps: 20")
        text = replaced(text, "batch_size: 8", f"batch_size: {BATCH} num_epochs: 1")
        for size in (100, 50):
            text = replaced(
                text, f"hash_bucket_size: {size} ", f"hash_bucket_size: {size} max_partitions: 3 "
            )
        (folder / "my.config").write_text(text, encoding="utf-8")

    def flags(self, **edits: object) -> list[str]:
        more = {
            "train_config__train_distribute": "PSStrategy",
            "export_config__exporter_type": "none",
            **edits,
        }
        return [
            "--config",
            str(self.folder / "my.config"),
            *(f"--{path.replace('__', '.')}={value}" for path, value in more.items()),
        ]

    def cluster(self, workers: int, ps: int, evaluator: int = 0, **edits: object) -> LocalCluster:
        counts = {"chief": 1, "worker": workers, "ps": ps, "evaluator": evaluator}
        command = ["-m", "easyrec_lite.train", *self.flags(**edits)]
        return LocalCluster(counts, command, io.BytesIO())

    def stored(self, name: str) -> np.ndarray:
        newest = checkpoint_paths(self.model)[-1]
        return np.asarray(read_variables(newest, [name])[name])


def _row(random: np.random.Generator) -> str:
    user, item, age = random.integers(40), random.integers(30), random.integers(9)
    click = int(random.random() < 0.2 + 0.6 * ((user + item) % 2))
    tags = "|".join(f"t{tag}" for tag in random.integers(20, size=3))
    return f"{click},u{user},{'ab'[user % 2]},{tags},{age},i{item},c{item % 5},{item / 10}"


def printed(cluster: LocalCluster) -> str:
    assert isinstance(cluster.out, io.BytesIO)
    return cluster.out.getvalue().decode()


def when(ready: Callable[[], bool], act: Callable[[], None]) -> None:
    def wait() -> None:
        while not ready():
            time.sleep(0.05)
        act()

    threading.Thread(target=wait, daemon=True).start()


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture(autouse=True)
def quick_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")


def test_one_worker_trains_as_one_process_does(runs: Runs, tmp_path: Path) -> None:
    exports = {"export_config__exporter_type": "final"}
    cluster = runs.cluster(1, 2, train_config__sync_replicas="false", **exports)
    assert supervise(cluster) == 0, printed(cluster)
    assert "user/user_id/embedding in 2" in printed(cluster)
    edits = {"model_dir": str(tmp_path / "one")}
    one = Estimator(load_config(str(tmp_path / "my.config"), edits)).train_and_evaluate()
    assert one.step == STEPS_AN_EPOCH == int(runs.stored("global_step"))
    assert one.checkpoint is not None
    shapes = variable_shapes(one.checkpoint)
    newest = checkpoint_paths(runs.model)[-1]
    assert {k: v for k, v in variable_shapes(newest).items() if k != "positions"} == shapes
    expected, found = (read_variables(prefix, list(shapes)) for prefix in (one.checkpoint, newest))
    for name in shapes:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-4, err_msg=name)
    (entry,) = EvaluationHistory(runs.model).read()
    assert entry.metrics == pytest.approx(one.metrics, abs=1e-4)
    assert (runs.model / "export" / "final" / str(one.step)).is_dir()


def test_checkpoints_go_from_any_cluster_to_any_other(runs: Runs) -> None:
    """Told to stop, or without a server, and gone on no row is lost; others go on too."""
    steps = {"train_config__save_checkpoints_steps": 20, "data_config__num_epochs": 3}
    cluster = runs.cluster(2, 1, **steps)
    when(lambda: bool(checkpoint_paths(runs.model)), lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert supervise(cluster) == 128 + signal.SIGTERM, printed(cluster)
    stopped = int(runs.stored("global_step"))
    assert 20 <= stopped < 3 * STEPS_AN_EPOCH

    newest = checkpoint_paths(runs.model)[-1]
    cluster = runs.cluster(2, 1, **steps)
    when(
        lambda: checkpoint_paths(runs.model)[-1] != newest,
        lambda: next(m for m in cluster.members if m.name == "ps 0").process.kill(),
    )
    assert supervise(cluster) == PeerLost.exit_code, printed(cluster)
    assert newest in printed(cluster)
    assert "other workers" not in printed(cluster)
    assert "a parameter server is gone" in printed(cluster)
    assert "Traceback" not in printed(cluster)
    # The others were told, or went when the launcher told them.
    assert {m.code for m in cluster.members} <= {PeerLost.exit_code, 137, 143}
    newest = checkpoint_paths(runs.model)[-1]
    assert stopped < int(runs.stored("global_step")) < 3 * STEPS_AN_EPOCH

    again = runs.cluster(2, 1, 1, data_config__num_epochs=3)
    assert supervise(again) == 0, printed(again)
    assert newest in printed(again)
    assert "other workers" not in printed(again)
    assert int(runs.stored("global_step")) == 3 * STEPS_AN_EPOCH
    np.testing.assert_array_equal(runs.stored("positions"), [[2, ROWS]] * 2)
    judged = [entry.step for entry in EvaluationHistory(runs.model).read()]
    assert judged[-1] == 3 * STEPS_AN_EPOCH
    assert "[evaluator 0]" in printed(again)

    other = runs.cluster(1, 2, data_config__num_epochs=4)
    assert supervise(other) == 0, printed(other)
    assert "user/user_id/embedding in 2" in printed(other)
    assert "row 600 of epoch 2" in printed(other)
    assert int(runs.stored("global_step")) == 4 * STEPS_AN_EPOCH
    edits = {"data_config.num_epochs": 5, "train_config.train_distribute": "NoStrategy"}
    alone = Estimator(load_config(str(runs.folder / "my.config"), edits)).train()
    assert alone.step == 5 * STEPS_AN_EPOCH


def test_a_lost_worker_is_taken_back(runs: Runs) -> None:
    cluster = runs.cluster(2, 1, train_config__save_checkpoints_steps=50, data_config__num_epochs=4)
    when(
        lambda: bool(checkpoint_paths(runs.model)),
        lambda: next(m for m in cluster.members if m.name == "worker 1").process.kill(),
    )
    assert supervise(cluster, restarts=1) == 0, printed(cluster)
    assert "worker 1 starts again" in printed(cluster)
    assert printed(cluster).count("worker 1 serves at") == 2
    # The run cannot have ended before that worker had read its own share to the end.
    np.testing.assert_array_equal(runs.stored("positions"), [[3, ROWS]] * 2)
    # What the worker was at when it was killed is done once more, or not at all.
    assert abs(int(runs.stored("global_step")) - 4 * STEPS_AN_EPOCH) <= 1


def test_a_lost_chief_goes_on_with_the_same_servers(runs: Runs) -> None:
    cluster = runs.cluster(1, 1, train_config__save_checkpoints_steps=30, data_config__num_epochs=2)
    with cluster:
        cluster.start()
        while not checkpoint_paths(runs.model):
            assert cluster.chief.code is None, printed(cluster)
            time.sleep(0.05)
        lost = cluster.chief
        lost.process.kill()
        lost.process.wait()
        cluster.restart(lost)
        while any(member.code is None for member in cluster.members):
            time.sleep(0.05)
    assert {member.code for member in cluster.members} == {0}, printed(cluster)
    assert printed(cluster).count("serves at") == 2
    np.testing.assert_array_equal(runs.stored("positions"), [[1, ROWS]])
    assert int(runs.stored("global_step")) == 2 * STEPS_AN_EPOCH


def test_a_bad_row_is_named(runs: Runs) -> None:
    """The chief finds it, for workers run no Python; a whole gzip file is read as ever."""
    lines = (runs.folder / "train.csv").read_text(encoding="utf-8").splitlines()
    lines[250] = lines[250].rpartition(",")[0] + ",dear"
    packed = runs.folder / "train.csv.gz"
    packed.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    cluster = runs.cluster(1, 1, train_input_path=packed)
    assert supervise(cluster) == 2, printed(cluster)
    assert f"{packed}:251: error: price" in printed(cluster)
    assert "Traceback" not in printed(cluster)


def test_a_loss_that_is_not_finite_stops_all(runs: Runs) -> None:
    text = (runs.folder / "my.config").read_text(encoding="utf-8")
    adam = "learning_rate: 0.01"
    (runs.folder / "my.config").write_text(replaced(text, adam, "learning_rate: 1e38"))
    wild = runs.cluster(1, 1, data_config__num_epochs=8)
    assert supervise(wild) == 2, printed(wild)
    assert "not finite" in printed(wild)
    assert tf.io.gfile.glob(str(runs.model / "model.ckpt-*")) == []
