"""What cannot be written, for want of room, leave or a folder, fails whole and by name."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from easyrec_lite.core.errors import RunError
from easyrec_lite.core.files import atomic_file, atomic_folder, atomic_write, write_array
from easyrec_lite.core.locks import exclusive_run
from easyrec_lite.serving.index import IndexTuning, build_index
from easyrec_lite.serving.writers import TextDialect, open_writer
from easyrec_lite.training.hooks import Hook, StepReport, Summaries
from easyrec_lite.training.log import FILE, TrainingLog, read_log
from tests.disks import mounted, no_room

ROOM = 40_960
BIG = np.random.default_rng(1).random((2000, 8)).astype(np.float32)


def text(path: Path) -> None:
    atomic_write(path, "x" * 2 * ROOM)


def folder(path: Path) -> None:
    with atomic_folder(path, overwrite=True) as aside:
        (aside / "a").write_bytes(b"a")
        (aside / "b").write_bytes(b"b" * 2 * ROOM)


def array(path: Path) -> None:
    with atomic_file(path) as aside:
        write_array(aside, BIG)


def end_of_array(path: Path) -> None:
    """All but the last bytes find room, which `np.save` does not see."""
    with atomic_file(path) as aside:
        write_array(aside, np.zeros(ROOM // 8, np.int64))


def index(path: Path) -> None:
    pytest.importorskip("faiss")
    with atomic_file(path) as aside:
        build_index(aside, BIG, BIG[:10], "rows", IndexTuning(k=1, queries=10))


def predictions(path: Path) -> None:
    table = pa.table({"a": BIG.ravel().tolist(), "b": np.arange(BIG.size).astype(str)})
    with atomic_file(path) as aside, open_writer(aside, path, TextDialect()) as writer:
        writer.write(table)
        writer.write(table)


def parquet(path: Path) -> None:
    predictions(path.with_name("new.parquet"))


WAYS = [text, folder, array, end_of_array, index, predictions, parquet]


@pytest.mark.parametrize("kind", ["limit", "full"])
@pytest.mark.parametrize("way", WAYS)
def test_no_room(way: Callable[[Path], None], kind: str, tmp_path: Path) -> None:
    with no_room(kind, tmp_path / "disk", ROOM) as disk:
        old = disk / "old"
        (old.mkdir if way is folder else old.touch)()
        with pytest.raises(RunError, match="error: it cannot be written") as caught:
            way(old)
        (problem,) = caught.value.problems
        assert Path(problem.place.file) == disk / ("new.parquet" if way is parquet else "old")
        assert ("No space left" if kind == "full" else "File too large") in problem.found
        assert [path.name for path in disk.rglob("*")] == ["old"]


@pytest.mark.parametrize("way", [text, folder, array, predictions])
def test_a_folder_that_is_none(way: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="file/below/this: error: it cannot be written"):
        way(tmp_path / "file" / "below" / "this")


@pytest.mark.parametrize("way", [text, folder])
def test_a_read_only_disk(way: Callable[[Path], None], tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk:
        disk.set("ro")
        with pytest.raises(RunError, match="Read-only file system"):
            way(disk.folder / "a")
        with (
            pytest.raises(RunError, match=r"run\.lock: error: it cannot be written"),
            exclusive_run(disk.folder),
        ):
            pytest.fail("a run began")


def test_errors_of_what_is_read_keep_their_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="input"), atomic_file(tmp_path / "output"):
        (tmp_path / "input").read_bytes()
    with pytest.raises(BrokenPipeError), atomic_file(tmp_path / "output"):
        raise BrokenPipeError


def test_a_lock_on_a_full_disk_says_so(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk:
        (disk.folder / "fill").write_bytes(b"x" * 4096)
        with pytest.raises(RunError, match="No space left"), exclusive_run(disk.folder):
            pytest.fail("a run began")
        (disk.folder / "fill").unlink()
        with exclusive_run(disk.folder):
            pass


def report(step: int) -> StepReport:
    return StepReport(step, 10, {f"loss_{n}": float(n) for n in range(100)}, 2e3, 0.25, None)


def report_all(hook: Hook) -> None:
    for step in range(1, 100):
        hook.report(report(step))


@pytest.mark.parametrize("kind", ["limit", "full"])
def test_the_log_of_a_run_stops_it_and_stays_readable(kind: str, tmp_path: Path) -> None:
    with no_room(kind, tmp_path / "disk", ROOM) as disk:
        log = TrainingLog(disk)
        atomic_write(disk / FILE, "")
        with pytest.raises(RunError, match=f"{FILE}: error: it cannot be written"):
            report_all(log)
        steps = [entry["step"] for entry in read_log(disk / FILE)]
    assert len(steps) > 3
    assert steps == list(range(1, len(steps) + 1))


@pytest.mark.parametrize("kind", ["limit", "full"])
def test_event_files_are_given_up_with_one_warning(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with no_room(kind, tmp_path / "disk", ROOM) as disk:
        events = Summaries(disk, 1)
        report_all(events)
        events.end(100)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "the event file cannot be written" in record.getMessage()


def test_event_files_where_there_is_no_folder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    events = Summaries(tmp_path / "file" / "below", 1)
    events.report(report(1))
    events.evaluated(1, {"auc": 0.5})
    events.end(1)
    assert len(caplog.records) == 2
