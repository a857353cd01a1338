"""Checkpoints: what is saved comes back; broken ones are passed over; other models are refused."""

from __future__ import annotations

import logging
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.core.errors import ConfigError, RunError
from easyrec_lite.training.checkpoint_files import find_checkpoint
from easyrec_lite.training.checkpoint_reading import read_variables, variable_shapes
from easyrec_lite.training.checkpoints import Checkpoints


def variables() -> dict[str, tf.Variable]:
    return {
        "user/用户.id/embedding": tf.Variable([[1.0, 2.0], [3.0, 4.0]]),
        "a.S_b/c..d": tf.Variable(7, dtype=tf.int64),
    }


def flip_byte(prefix: str) -> None:
    path = Path(prefix + ".data-00000-of-00001")
    data = bytearray(path.read_bytes())
    data[1] ^= 0xFF
    path.write_bytes(data)


def test_names_and_shapes_survive(tmp_path: Path) -> None:
    prefix = Checkpoints(tmp_path, variables()).save(5)
    assert variable_shapes(prefix) == {"user/用户.id/embedding": (2, 2), "a.S_b/c..d": ()}


def test_newest_is_restored_and_old_ones_go(tmp_path: Path) -> None:
    held = variables()
    checkpoints = Checkpoints(tmp_path, held, keep=2)
    for step in (9, 10, 100):
        held["a.S_b/c..d"].assign(step)
        checkpoints.save(step)
    assert [Path(path).name for path in checkpoints.paths()] == ["model.ckpt-10", "model.ckpt-100"]
    assert {path.name.split(".data")[0].split(".index")[0] for path in tmp_path.iterdir()} == {
        "checkpoint",
        "model.ckpt-10",
        "model.ckpt-100",
    }
    held["a.S_b/c..d"].assign(0)
    assert Checkpoints(tmp_path, held).restore_newest() == str(tmp_path / "model.ckpt-100")
    assert int(held["a.S_b/c..d"]) == 100


def test_tensorflow_finds_the_newest(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, variables(), keep=2)
    for step in (9, 10, 100):
        assert tf.train.latest_checkpoint(str(tmp_path)) != checkpoints.save(step)
        newest = tf.train.latest_checkpoint(str(tmp_path))
        assert newest == str(tmp_path / f"model.ckpt-{step}")
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert list(state.all_model_checkpoint_paths) == checkpoints.paths()


def test_tensorflow_finds_the_newest_after_a_kill_before_it_was_named(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, variables())
    checkpoints.save(1)
    before = (tmp_path / "checkpoint").read_bytes()
    checkpoints.save(2)
    (tmp_path / "checkpoint").write_bytes(before)
    checkpoints.remove_partial()
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model.ckpt-2")


def test_empty_folder_restores_nothing(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "none", variables()).restore_newest() is None


def test_a_corrupt_newest_falls_back_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    held = variables()
    checkpoints = Checkpoints(tmp_path, held)
    checkpoints.save(1)
    held["user/用户.id/embedding"].assign([[9.0, 9.0], [9.0, 9.0]])
    flip_byte(checkpoints.save(2))
    with caplog.at_level(logging.WARNING):
        assert checkpoints.restore_newest() == str(tmp_path / "model.ckpt-1")
    assert held["user/用户.id/embedding"].numpy().tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert "model.ckpt-2" in caplog.text
    assert "falling back" in caplog.text


def test_a_truncated_newest_falls_back(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, variables())
    checkpoints.save(1)
    prefix = checkpoints.save(2)
    Path(prefix + ".index").write_bytes(Path(prefix + ".index").read_bytes()[:20])
    assert checkpoints.restore_newest() == str(tmp_path / "model.ckpt-1")


def test_all_corrupt_is_an_error(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, variables())
    flip_byte(checkpoints.save(1))
    with pytest.raises(RunError, match="none of the 1 checkpoints"):
        checkpoints.restore_newest()


def test_another_model_is_refused_with_every_difference(tmp_path: Path) -> None:
    Checkpoints(tmp_path, variables()).save(1)
    other = {
        "user/用户.id/embedding": tf.Variable(tf.zeros([3, 2])),
        "user/用户.id/embeddings": tf.Variable(0.0),
    }
    with pytest.raises(ConfigError) as caught:
        Checkpoints(tmp_path, other).restore_newest()
    text = str(caught.value)
    assert "another shape" in text
    assert "(2, 2)" in text
    assert "lacks variable 'user/用户.id/embeddings'" in text
    assert "nearest:  user/用户.id/embedding" in text


def test_find_checkpoint_names_what_is_there(tmp_path: Path) -> None:
    prefix = Checkpoints(tmp_path, variables()).save(30)
    assert find_checkpoint(tmp_path) == find_checkpoint(prefix) == prefix
    assert find_checkpoint(prefix + ".index") == prefix
    with pytest.raises(ConfigError, match=r"nearest:  model\.ckpt-30"):
        find_checkpoint(tmp_path / "model.ckpt-31")


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk, in a process of its own."""
    Checkpoints(tmp_path, variables()).save(1)
    program = f"""
import pathlib, tensorflow as tf
from easyrec_lite.core.errors import RunError
from easyrec_lite.training.checkpoints import Checkpoints
big = {{"user/用户.id/embedding": tf.Variable(tf.ones([40000, 2]))}}
try:
    Checkpoints(pathlib.Path({str(tmp_path)!r}), big).save(2)
except RunError as error:
    print(error)
"""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = subprocess.run(
        [sys.executable, "-c", program],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "the checkpoint cannot be written" in done.stdout
    assert "the newest good checkpoint is" in done.stdout
    checkpoints = Checkpoints(tmp_path, variables())
    assert checkpoints.restore_newest() == str(tmp_path / "model.ckpt-1")
    assert not list(tmp_path.glob("model.ckpt-2*"))


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        (tf.errors.ResourceExhaustedError, RunError),
        (tf.errors.PermissionDeniedError, RunError),
        (tf.errors.UnavailableError, tf.errors.UnavailableError),
    ],
)
def test_a_parameter_server_that_cannot_write_is_not_one_that_is_gone(
    tmp_path: Path, monkeypatch, kind: type, raised: type
) -> None:
    def write(*_: object) -> None:
        raise kind(None, None, "/job:ps/replica:0/task:0: no")

    monkeypatch.setattr(tf.train.Checkpoint, "write", write)
    with pytest.raises(raised):
        Checkpoints(tmp_path, variables()).save(1)
    assert not list(tmp_path.iterdir())


def test_a_damaged_checkpoint_is_written_anew(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, variables())
    flip_byte(checkpoints.save(1))
    assert checkpoints.save(1) == checkpoints.restore_newest()
    assert {path.suffix for path in tmp_path.glob("model*")} == {".index", ".data-00000-of-00001"}


def test_a_write_cut_off_before_the_index_counts_for_nothing(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, variables())
    kept = checkpoints.save(1)
    Path(checkpoints.save(2) + ".index").unlink()
    assert checkpoints.restore_newest() == kept
    checkpoints.remove_partial()
    assert {path.stem for path in tmp_path.iterdir()} == {"checkpoint", "model.ckpt-1"}


def test_every_flipped_byte_is_seen_or_changes_nothing(tmp_path: Path) -> None:
    """In the data and in the index, of which a checksum covers all but the padding of its end."""
    held = variables()
    prefix = Checkpoints(tmp_path, held).save(1)
    names = list(held)
    good = {name: value.tobytes() for name, value in read(prefix, names).items()}
    seen = 0
    for part in (".data-00000-of-00001", ".index"):
        path = Path(prefix + part)
        content = path.read_bytes()
        for at in range(len(content)):
            path.write_bytes(content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :])
            try:
                found = {name: value.tobytes() for name, value in read(prefix, names).items()}
            except RunError:
                seen += 1
            else:
                assert found == good, (part, at)
        path.write_bytes(content)
    assert seen > len(content) / 2


def read(prefix: str, names: list[str]) -> dict[str, Any]:
    assert variable_shapes(prefix).keys() == set(names)
    return {name: np.asarray(value) for name, value in read_variables(prefix, names).items()}


def test_a_missing_shard_falls_back(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, variables())
    kept = checkpoints.save(1)
    Path(checkpoints.save(2) + ".data-00000-of-00001").unlink()
    assert checkpoints.restore_newest() == kept
