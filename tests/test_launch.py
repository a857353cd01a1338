"""The launcher, with small processes that do nothing but what a test needs."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from easyrec_lite import launch
from easyrec_lite.core.errors import ConfigError, PeerLost
from easyrec_lite.distribution.local_cluster import LocalCluster
from easyrec_lite.distribution.supervision import supervise
from easyrec_lite.distribution.tf_config import read_cluster
from tests.commands import call

PRELUDE = """
import json, os, pathlib, signal, sys, time
config = json.loads(os.environ["TF_CONFIG"])
role, index = config["task"]["type"], config["task"]["index"]
name = f"{role}{index}"
folder = pathlib.Path(sys.argv[1])
def first(): # whether this process runs for the first time
    try:
        (folder / name).touch(exist_ok=False)
        return True
    except FileExistsError:
        return False
"""


class Cluster:
    """A cluster of processes that run a script, and what they printed."""

    def __init__(self, folder: Path, script: str, **counts: int):
        self._out = io.BytesIO()
        command = ["-c", PRELUDE + script, str(folder)]
        self.local = LocalCluster(counts, command, self._out)

    def lines(self, name: str) -> list[str]:
        start = f"[{name}] "
        lines = self._out.getvalue().decode().splitlines()
        return [line.removeprefix(start) for line in lines if line.startswith(start)]


def test_each_process_gets_its_own_tf_config(tmp_path) -> None:
    script = "print(os.environ['TF_CONFIG'])"
    cluster = Cluster(tmp_path, script, chief=1, worker=2, ps=1, evaluator=1)
    assert supervise(cluster.local) == 0
    found = {}
    for name in ("chief 0", "worker 0", "worker 1", "ps 0", "evaluator 0"):
        (line,) = cluster.lines(name)
        found[name] = read_cluster(line)
        assert found[name] is not None
        assert found[name].name == name
    assert len({json.dumps(dict(c.addresses), sort_keys=True) for c in found.values()}) == 1
    assert {role: len(a) for role, a in found["ps 0"].addresses.items()} == {
        "chief": 1,
        "worker": 2,
        "ps": 1,
        "evaluator": 1,
    }


def test_the_chiefs_end_ends_the_others_and_its_code_counts(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("easyrec_lite.distribution.local_cluster.END_SECONDS", 0.3)
    monkeypatch.setattr("easyrec_lite.distribution.local_cluster.FAILED_SECONDS", 0.3)
    for code in (7, 0):
        script = f"sys.exit({code}) if name == 'worker0' else time.sleep(3600)"
        cluster = Cluster(tmp_path, script, worker=2)
        assert supervise(cluster.local) == code
        assert [member.code for member in cluster.local.members] == [code, 143]


def test_an_evaluator_does_not_wait_for_a_chief_that_is_gone(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("easyrec_lite.distribution.local_cluster.FAILED_SECONDS", 0.3)
    script = "os.kill(os.getpid(), 9) if role == 'worker' else time.sleep(3600)"
    cluster = Cluster(tmp_path, script, worker=1, evaluator=1)
    assert supervise(cluster.local) == 137
    assert [member.code for member in cluster.local.members] == [137, 143]


def test_an_evaluator_is_waited_for_and_its_failure_counts(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("easyrec_lite.distribution.local_cluster.END_SECONDS", 0.3)
    script = "time.sleep(1.5 if role == 'evaluator' else 0); sys.exit(3 * (role == 'evaluator'))"
    cluster = Cluster(tmp_path, script, worker=1, evaluator=1)
    assert supervise(cluster.local) == 3


def test_a_lost_cluster_starts_again_as_often_as_allowed(tmp_path) -> None:
    for number, end in enumerate(["sys.exit(75)", "os.kill(os.getpid(), signal.SIGKILL)"]):
        own = tmp_path / str(number)
        own.mkdir()
        script = f"""
print('up', flush=True)
if first() and index == 0:
    while not (folder / 'worker1').exists():
        time.sleep(0.01)
    {end}
"""
        cluster = Cluster(own, script, worker=2)
        assert supervise(cluster.local, restarts=1) == 0
        assert cluster.lines("worker 1") == ["up", "up"]
        assert "the cluster starts again, 0 restarts are left" in cluster.lines("launch")
    other = tmp_path / "other"
    other.mkdir()
    cluster = Cluster(other, "sys.exit(75)", worker=1)
    assert supervise(cluster.local) == PeerLost.exit_code


def test_a_restart_goes_on_where_the_first_start_was_told_to_begin_afresh(tmp_path) -> None:
    cluster = Cluster(tmp_path, "print(sys.argv[2:])\nif first(): sys.exit(75)", worker=1)
    cluster.local.command = [*cluster.local.command, "--continue_train=false", "--config=x"]
    assert supervise(cluster.local, restarts=1) == 0
    again = ["['--continue_train=false', '--config=x']", "['--config=x']"]
    assert cluster.lines("worker 0") == again


def test_processes_go_on_where_nobody_reads_their_lines_any_more(tmp_path) -> None:
    class Closed(io.BytesIO):
        def write(self, _: object) -> int:
            raise BrokenPipeError

    command = ["-c", "print('line\\n' * 99_999)"]
    with LocalCluster({"worker": 1}, command, Closed()) as local:
        local.start()
        assert local.members[0].process.wait(60) == 0


def test_a_lost_worker_of_parameter_servers_comes_back_alone(tmp_path) -> None:
    script = """
print('up')
if name == 'worker1' and first():
    os.kill(os.getpid(), signal.SIGKILL)
if name == 'worker1':
    (folder / 'back').touch()
while not (folder / 'back').exists():
    time.sleep(0.05)
"""
    cluster = Cluster(tmp_path, script, chief=1, worker=2, ps=1)
    assert supervise(cluster.local, restarts=2) == 0
    assert [len(cluster.lines(name)) for name in ("chief 0", "worker 0", "worker 1")] == [1, 1, 2]
    told = cluster.lines("launch")
    assert any("worker 1" in line and "ended with code 137" in line for line in told)
    assert "worker 1 starts again, 1 restarts are left" in told


def test_sigterm_goes_to_the_chief_before_its_parameter_servers(tmp_path) -> None:
    script = """
def end(*_):
    if role == 'chief':
        time.sleep(0.5)
        (folder / 'saved').touch()
        sys.exit(143)
    print('saved', (folder / 'saved').exists())
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
(folder / f'{name}.up').touch()
time.sleep(60)
"""
    cluster = Cluster(tmp_path, script, chief=1, worker=1, ps=1)
    _terminate_when(lambda: len(list(tmp_path.glob("*.up"))) == 3)
    assert supervise(cluster.local) == 143
    assert cluster.lines("ps 0") == ["saved True"]


def test_what_does_not_end_is_killed(tmp_path) -> None:
    script = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
(folder / f'{name}.up').touch()
time.sleep(60)
"""
    cluster = Cluster(tmp_path, script, worker=2)
    _terminate_when(lambda: len(list(tmp_path.glob("*.up"))) == 2)
    assert supervise(cluster.local, grace=0.3) == 137
    assert [member.code for member in cluster.local.members] == [137, 137]


LAUNCHER = """
import sys
from easyrec_lite.distribution.local_cluster import LocalCluster
from easyrec_lite.distribution.supervision import supervise
supervise(LocalCluster({"chief": 1, "worker": 1}, ["-c", sys.argv[1], sys.argv[2]]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's end")
def test_processes_end_with_a_launcher_that_is_killed(tmp_path) -> None:
    script = """
def end(*_):
    (folder / f'{name}.ended').touch()
    sys.exit(143)
signal.signal(signal.SIGTERM, end)
(folder / f'{name}.up').touch()
time.sleep(60)
"""
    command = [sys.executable, "-c", LAUNCHER, PRELUDE + script, str(tmp_path)]
    launcher = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for suffix in ("up", "ended"):
        end = time.monotonic() + 60
        while len(list(tmp_path.glob(f"*.{suffix}"))) < 2:
            assert time.monotonic() < end, suffix
            time.sleep(0.05)
        launcher.kill()
        launcher.wait()


def _terminate_when(ready) -> None:
    def wait() -> None:
        while not ready():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "no command"),
        (["--workers", "2", "--"], "no command"),
        (["--", "trian"], "nearest:  train"),
        (["--workers", "0", "--", "train"], "--workers"),
        (["--wrokers", "2", "--", "train"], "nearest:  --workers"),
    ],
)
def test_wrong_flags(argv: list[str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        call(launch, argv)
    assert words in str(caught.value)


def test_the_command_itself_without_tensorflow() -> None:
    script = (
        "import sys; from easyrec_lite import launch\n"
        "argv = ['--workers', '2', '--', 'train', '--help']\n"
        "code = launch.main(launch.parser().parse_args(argv))\n"
        "assert 'tensorflow' not in sys.modules\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in ("worker 0", "worker 1"):
        assert f"[{name}] usage: python -m easyrec_lite.train" in done.stdout
