"""One run a model folder: a second is refused while the first lives, and only then."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from easyrec_lite.core.errors import RunError
from easyrec_lite.core.locks import FILE, exclusive_run
from tests.children import started

HOLD = """
import pathlib, sys
from easyrec_lite.core.locks import exclusive_run
with exclusive_run(pathlib.Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_the_second_is_refused_by_name_until_the_first_ends(tmp_path: Path) -> None:
    process = started(HOLD, tmp_path)
    with pytest.raises(RunError) as caught, exclusive_run(tmp_path):
        pytest.fail("two runs at once")
    assert f"process {process.pid} on host {socket.gethostname()}" in str(caught.value)
    with exclusive_run(tmp_path / "other"):
        pass
    process.communicate("")
    with exclusive_run(tmp_path):
        assert json.loads((tmp_path / FILE).read_text())["pid"] == os.getpid()
    assert not (tmp_path / FILE).exists()


def test_a_killed_process_does_not_block(tmp_path: Path) -> None:
    process = started(HOLD, tmp_path)
    process.kill()
    process.communicate()
    assert (tmp_path / FILE).exists()
    with exclusive_run(tmp_path):
        pass


def test_a_lock_file_of_garbage_does_not_block(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff{" * 1000)
    with exclusive_run(tmp_path):
        assert json.loads((tmp_path / FILE).read_text())["host"] == socket.gethostname()


def test_the_same_process_is_refused_too_and_an_error_releases(tmp_path: Path) -> None:
    with exclusive_run(tmp_path), pytest.raises(RunError), exclusive_run(tmp_path):
        pytest.fail("two runs at once")
    with pytest.raises(KeyError), exclusive_run(tmp_path):
        raise KeyError
    with exclusive_run(tmp_path):
        pass
