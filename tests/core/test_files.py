"""Outputs are whole or not there, whatever a killed process left."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from easyrec_lite.core import processes
from easyrec_lite.core.files import (
    atomic_file,
    atomic_folder,
    atomic_write,
    remove_folder,
    remove_leftovers,
    unfinished,
)

HOST = socket.gethostname()
MINE = f"{HOST}-{os.getpid()}.{processes.own_start()}"


@pytest.fixture(scope="module")
def dead() -> int:
    """The id of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def half_written(path: Path) -> None:
    path.write_bytes(b"half \xff")
    path.read_text("utf-8")


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_an_error_leaves_the_older_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    atomic_write(path, "old")
    with pytest.raises(UnicodeDecodeError), atomic_file(path) as aside:
        half_written(aside)
    assert path.read_text() == "old"
    assert names(tmp_path) == {"a", "a/b.txt"}


def test_a_folder_appears_whole_and_replaces_another(tmp_path: Path) -> None:
    target = tmp_path / "export"
    for content in ("1", "2"):
        with atomic_folder(target, overwrite=True) as aside:
            (aside / content).touch()
            assert names(target) == ({"1"} if content == "2" else set())
    assert names(tmp_path) == {"export", "export/2"}
    remove_folder(target)
    assert names(tmp_path) == set()


def test_what_dead_processes_left_goes(tmp_path: Path, dead: int) -> None:
    for left in (f".a.json.tmp-{HOST}-{dead}", f"export/.60.gone-{HOST}-{dead}/x"):
        (tmp_path / left).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / left).touch()
    (tmp_path / ".hidden").touch()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == {"export", ".hidden"}


def test_what_may_be_in_use_stays(tmp_path: Path, dead: int) -> None:
    mine = f".a.tmp-{MINE}"
    recent, old = f".a.tmp-elsewhere-{dead}", f".b.tmp-elsewhere-{dead}"
    for name in (mine, recent, old):
        (tmp_path / name).touch()
    os.utime(tmp_path / old, (0, 0))
    remove_leftovers(tmp_path)
    assert names(tmp_path) == {mine, recent}


def test_a_folder_cut_off_while_it_was_replaced_comes_back(tmp_path: Path, dead: int) -> None:
    for name in ("60", "80"):
        (tmp_path / f".{name}.old-{HOST}-{dead}").mkdir()
        (tmp_path / f".{name}.old-{HOST}-{dead}" / "before").touch()
    (tmp_path / "80").mkdir()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == {"60", "60/before", "80"}


def test_only_the_folder_itself_may_be_swept(tmp_path: Path, dead: int) -> None:
    (tmp_path / "below").mkdir()
    mine = f".a.tmp-{MINE}"
    for name in (mine, f".b.tmp-{HOST}-{dead}", f"below/.c.tmp-{HOST}-{dead}", ".d"):
        (tmp_path / name).touch()
    assert [(path.name, alive) for path, alive in unfinished(tmp_path)] == [
        (mine, True),
        (f".b.tmp-{HOST}-{dead}", False),
    ]
    remove_leftovers(tmp_path, below=False)
    assert names(tmp_path) == {mine, "below", f"below/.c.tmp-{HOST}-{dead}", ".d"}


WRITE = """
import os, pathlib, signal, sys
from easyrec_lite.core.files import atomic_file, atomic_write, remove_leftovers
assert os.getpid() == 1
folder = pathlib.Path(sys.argv[1])
remove_leftovers(folder)
print(*sorted(path.name for path in folder.iterdir()))
with atomic_file(folder / "model") as aside:
    aside.write_text("half")
    remove_leftovers(folder)
    assert aside.exists()
    signal.raise_signal(signal.SIGKILL)
    os._exit(9)  # the first process of a namespace does not hear its own signals
"""


@pytest.mark.parametrize("proc", [["--mount-proc"], []])
def test_what_an_earlier_container_left_goes_though_both_are_process_1(
    tmp_path: Path, proc: list[str]
) -> None:
    command = ["unshare", "--user", "--map-root-user", "--pid", "--fork", *proc]
    probe = subprocess.run([*command, "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip(f"no namespace of process ids here: {probe.stderr!r}")
    for _ in range(2):
        process = [*command, sys.executable, "-c", WRITE, str(tmp_path)]
        done = subprocess.run(process, capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr, done.returncode) == ("\n", "", 9)
        (left,) = tmp_path.iterdir()
        assert left.name.startswith(f".model.tmp-{HOST}-1.")


def test_an_id_that_another_process_has_now_keeps_nothing(tmp_path: Path) -> None:
    """That of a leftover without a start, of earlier versions, may be the one that runs."""
    with subprocess.Popen([sys.executable], stdin=subprocess.PIPE) as other:
        left, kept = f".a.tmp-{HOST}-{other.pid}.1", f".b.tmp-{HOST}-{other.pid}"
        for name in (left, kept, f".c.tmp-{HOST}-{os.getpid()}", f".d.tmp-{HOST}-{os.getpid()}.1"):
            (tmp_path / name).touch()
        remove_leftovers(tmp_path)
        assert names(tmp_path) == {kept}
        other.communicate()


def test_without_proc_the_id_alone_tells_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead: int
) -> None:
    monkeypatch.setattr(processes, "_PROC", tmp_path / "none")
    assert processes.may_live(os.getpid(), processes.own_start())
    assert not processes.may_live(os.getpid(), "1")
    assert not processes.may_live(dead, "1")
    with subprocess.Popen([sys.executable], stdin=subprocess.PIPE) as other:
        assert processes.may_live(other.pid, "1")
        other.communicate()
