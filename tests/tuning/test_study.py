"""Studies with a fake `train`: results, continuing, pruning, failures, stops, what is kept."""

from __future__ import annotations

import json
import os
import shlex
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import pytest

from easyrec_lite import train
from easyrec_lite.checks.check import load_config
from easyrec_lite.config import load
from easyrec_lite.core.errors import ConfigError, DataError, RunError
from easyrec_lite.core.locks import exclusive_run
from easyrec_lite.runs.config_flags import pipeline_from
from easyrec_lite.tuning import study as study_module
from easyrec_lite.tuning import tuner
from easyrec_lite.tuning.parse import parse_flags
from easyrec_lite.tuning.run import seed_of, thread_edits
from easyrec_lite.tuning.study import Study
from tests.children import started
from tests.tuning.fake_train import EVALUATIONS, quality, series
from tests.tuning.studies import CONFIG, DOES, FAKE, HEADS, RATE, SEARCH, edits, files, rows, run

SECONDS = 60.0


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures take time, and these tests look at the rest."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "Studie über 价格"


def pids(folder: Path, number: int) -> list[int]:
    text = (folder / "trials" / str(number) / "model" / "starts.txt").read_text()
    return [int(line) for line in text.split()]


def runs(pid: int) -> bool:
    """Returns whether a process has not ended, be its exit code taken or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def once(true: Callable[[], bool], act: Callable[[], None]) -> Iterator[None]:
    """Calls `act` in another thread when `true` returns true, while the block runs."""

    def watch() -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if true():
                act()
                return
            time.sleep(0.01)

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    thread.join()


def evaluated(folder: Path, number: int) -> Callable[[], bool]:
    """Returns whether a trial has reached the evaluation at which the fake hangs."""
    path = folder / "trials" / str(number) / "model" / "evaluations.jsonl"
    return lambda: path.exists() and len(path.read_text().splitlines()) == 2


def test_the_best_of_all_trials_is_written_told_and_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, trials=5, keep=2, edits={"train_config.num_steps": 40}) == 0
    found = rows(folder)
    assert [row.state for row in found] == ["done"] * 5
    for row in found:
        assert row.value == pytest.approx(quality(row.settings[RATE]))
        assert row.series == pytest.approx(series(row.settings[RATE]))
        assert (row.step, edits(folder, row.number)[RATE]) == (40, row.settings[RATE])
        assert str(edits(folder, row.number)[HEADS]) == row.settings[HEADS]
    assert len({edits(folder, row.number)["train_config.seed"] for row in found}) == 5

    order = sorted(found, key=lambda row: abs(row.settings[RATE] - 0.001) and -(row.value or 0))
    kept = {str(row.number) for row in order[:2]}
    assert files(folder, "model.ckpt-40.index") == files(folder, "export") == kept
    assert files(folder, "evaluations.jsonl") == files(folder, "train.log") == set("01234")

    best = load(folder / "best.config").config
    expected = edits(folder, order[0].number)
    assert expected.pop("model_dir") == str(folder / "trials" / str(order[0].number) / "model")
    assert best == load(CONFIG, {"train_config.num_steps": 40, **expected}).config

    printed = capsys.readouterr().out
    words = printed.split("easyrec_lite.train")[1].split("\nconfig:")[0]
    command = train.parser().parse_args(shlex.split(words.replace("\\\n", " ")))
    assert pipeline_from(command).config == best
    lines = [line for line in printed.splitlines() if line[:6].strip().isdigit()]
    assert [int(line.split()[0]) for line in lines] == [0, 1, 2, 3, 4]
    page = (folder / "study.html").read_text("utf-8")
    assert repr(order[0].value) in page
    assert "<script" not in page


def test_a_continued_study_is_that_of_one_start(folder: Path, tmp_path: Path) -> None:
    assert run(folder, trials=2) == run(folder, trials=12) == run(tmp_path / "b", trials=12) == 0
    parts, whole = rows(folder), rows(tmp_path / "b")
    assert [row.settings for row in parts] == [row.settings for row in whole]
    assert [row.value for row in parts] == [row.value for row in whole]
    assert [edits(folder, n)["train_config.seed"] for n in range(12)] == list(range(1, 13))
    # The first ten are drawn at random; what follows is drawn near the best.
    errors = [1 - (row.value or 0) for row in whole]
    assert statistics.mean(errors[10:]) < statistics.mean(errors[:10])
    # Nothing is left to do: the result stays.
    before = (folder / "best.config").read_text()
    assert run(folder, trials=12) == 0
    assert len(rows(folder)) == 12
    assert (folder / "best.config").read_text() == before
    assert all(len(pids(folder, number)) == 1 for number in range(12))


def test_the_first_trial_has_the_settings_of_the_config(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search = (SEARCH[0], f"{HEADS}=choice(1, 2)")
    assert run(folder, search, trials=1) == run(folder, search, trials=3) == 0
    found = rows(folder, search)
    assert [row.own for row in found] == [True, False, False]
    assert found[0].settings == {RATE: 0.001, HEADS: "2"}
    assert found[0].value == 1.0
    assert capsys.readouterr().out.count("the config's own settings: trial 0") == 2


def test_another_study_in_the_folder_is_refused_with_the_differences(folder: Path) -> None:
    run(folder, trials=1)
    for search, more, named in (
        ((f"{RATE}=log(1e-5, 2)", SEARCH[1]), {}, [RATE, "log(1e-05, 1.0)", "log(1e-05, 2.0)"]),
        ((SEARCH[0],), {}, [HEADS, "choice(1, 4)", "nothing"]),
        (SEARCH, {"edits": {"train_config.num_steps": 7}}, ["num_steps", "4800", "7"]),
        (SEARCH, {"edits": {"data_config.shuffle": False}}, ["data_config.shuffle"]),
        (SEARCH, {"metric": "full_ranking/kept/mrr@10"}, ["metric", "full_ranking/kept/mrr@10"]),
        (SEARCH, {"seed": 5}, ["seed", "5"]),
    ):
        with pytest.raises(ConfigError) as caught:
            run(folder, search, **more)
        assert all(part in str(caught.value) for part in named), str(caught.value)
    assert len(rows(folder)) == 1


def test_a_folder_of_something_else_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "mine.txt").write_text("")
    with pytest.raises(ConfigError, match=r"mine\.txt"):
        run(folder)
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_a_study_has_one_process(folder: Path) -> None:
    with exclusive_run(folder), pytest.raises(RunError, match="--study_dir"):
        run(folder)


def test_failed_trials_are_told_and_do_not_end_the_study(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuner, "MOST_FAILURES", 99)
    search = (SEARCH[0], f"{DOES}=choice(1, 2, 3, 4, 5)")
    assert run(folder, search, trials=10, jobs=3, seed=3) == 0
    found = rows(folder, search)
    by_state = {"1": "done", "4": "done", "2": "failed", "3": "failed", "5": "failed"}
    assert {row.state for row in found} == {"done", "failed"}
    assert [row.state for row in found] == [by_state[row.settings[DOES]] for row in found]
    lines = capsys.readouterr().out.splitlines()
    for row in found:
        (line,) = [line for line in lines if line.startswith(f"{row.number:>5}  ")]
        if row.settings[DOES] == "2":
            assert "exit code 2: rows.csv:3:2: error: 价格: no number" in row.cause
        if row.state == "failed":
            log = folder / "trials" / str(row.number) / "train.log"
            assert row.cause in line
            assert str(log) in line
            assert "easyrec_lite 价格" in log.read_text("utf-8")


def test_a_study_ends_when_all_trials_fail(folder: Path) -> None:
    fake = (*FAKE[:1], "-c", "import sys; print('Traceback'); sys.exit('ValueError: no')")
    with pytest.raises(RunError, match="ValueError: no") as caught:
        run(folder, SEARCH, trials=9, command=fake)
    assert "trials/2/train.log" in str(caught.value)
    assert [row.state for row in rows(folder)] == ["failed"] * 3
    # Another start tries again, with what the command has become.
    assert run(folder, SEARCH, trials=5) == 0
    assert [row.state for row in rows(folder)] == ["failed"] * 3 + ["done"] * 2


def test_the_median_pruner_compares_the_same_evaluations(tmp_path: Path) -> None:
    study = Study(tmp_path / "journal", parse_flags(SEARCH), True, 0, "median", 1)
    for at in range(5):
        trial = study.ask()
        assert not trial.report([0.1 * at, 0.2 * at, 0.3 * at])
        trial.done(0.3 * at, 30)
    medians = [0.2, 0.4, 0.6]
    trial = study.ask()
    assert not trial.report([medians[0] - 0.1])  # the first evaluation is never pruned
    assert trial.report([medians[0] - 0.1, medians[1] - 0.1])
    trial = study.ask()
    assert not trial.report([0.0, medians[1] + 0.1])
    assert not trial.report([0.0, medians[1] + 0.1, medians[2] + 0.1])
    none = Study(tmp_path / "other", parse_flags(SEARCH), True, 0, "none", 1)
    assert not none.ask().report([-9.0] * 9)


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_small_values_are_not_pruned_where_small_is_good(tmp_path: Path, pruner: str) -> None:
    study = Study(tmp_path / "journal", parse_flags(SEARCH), False, 0, pruner, 1)
    for at in range(8):
        trial = study.ask()
        trial.report([1.0 + at] * EVALUATIONS)
        trial.done(1.0 + at, 40)
    assert not study.ask().report([0.5] * EVALUATIONS)


def test_pruned_trials_are_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Ends each trial below 0.5 at its second evaluation, after which the fake hangs.
    limit = optuna.pruners.ThresholdPruner(lower=0.25, n_warmup_steps=2)
    monkeypatch.setattr(study_module, "_pruner", lambda name: limit)
    search = (f"{RATE}=log(1e-1, 1)", f"{HEADS}=choice(1, 4)")
    hang = folder.parent / "hang"
    hang.touch()
    command = (*FAKE, "--hang_at", str(hang))
    assert run(folder, search, trials=2, jobs=2, command=command) == 0
    hang.unlink()
    for row in rows(folder, search):
        assert quality(row.settings[RATE]) <= 0.5
        assert (row.state, row.step) == ("pruned", 20)
        assert row.series == pytest.approx(series(row.settings[RATE])[:2])
        assert row.value == row.series[-1]
        assert not any(runs(pid) for pid in pids(folder, row.number))
    assert files(folder, "model.ckpt-*") == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_study_continues_its_trials(
    folder: Path, tmp_path: Path, number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    hang = tmp_path / "hang"
    command = (*FAKE, "--hang_at", str(hang))
    assert run(folder, trials=1, command=command) == 0
    hang.touch()
    both = [evaluated(folder, trial) for trial in (1, 2)]
    with once(lambda: all(each() for each in both), lambda: os.kill(os.getpid(), number)):
        assert run(folder, trials=4, jobs=2, command=command) == 128 + number
    hang.unlink()
    stopped = rows(folder)
    assert [row.state for row in stopped] == ["done", "running", "running"]
    assert not any(runs(pids(folder, trial)[0]) for trial in (1, 2))
    assert files(folder, "model.ckpt-20.index") == {"1", "2"}  # what the trials continue from
    assert "the same command" in capsys.readouterr().out

    assert run(folder, trials=4, command=command) == 0
    found = rows(folder)
    assert [row.state for row in found] == ["done"] * 4
    assert [row.settings for row in found[:3]] == [row.settings for row in stopped]
    assert [len(pids(folder, trial)) for trial in range(4)] == [1, 2, 2, 1]
    for row in found:
        assert row.series == pytest.approx(series(row.settings[RATE]))
        assert row.value == pytest.approx(quality(row.settings[RATE]))


def test_a_second_signal_does_not_wait(folder: Path) -> None:
    deaf = (
        "import signal, sys, time, json, pathlib\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "edits = json.loads(sys.argv[sys.argv.index('--edit_config_json') + 1])\n"
        "folder = pathlib.Path(edits['model_dir'])\n"
        "(folder / 'starts.txt').write_text(str(__import__('os').getpid()))\n"
        "time.sleep(60)\n"
    )
    path = folder / "trials" / "0" / "model" / "starts.txt"

    def twice() -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)

    with once(lambda: path.exists() and bool(path.read_text()), twice):
        assert run(folder, command=(FAKE[0], "-c", deaf)) == 128 + signal.SIGINT
    assert not runs(pids(folder, 0)[0])


TUNER = """
import sys
from pathlib import Path
from tests.tuning.studies import FAKE, run
print("ready", flush=True)
run(Path(sys.argv[1]), trials=2, command=(*FAKE, "--hang_at", sys.argv[2]))
"""


def test_a_killed_study_leaves_no_process_and_continues(folder: Path, tmp_path: Path) -> None:
    hang = tmp_path / "hang"
    hang.touch()
    process = started(TUNER, folder, hang)
    ready = evaluated(folder, 0)
    with once(ready, process.kill):
        process.communicate()
    hang.unlink()
    with (folder / "study.journal").open("ab") as journal:
        journal.write(b'{"op_code":')  # as killed in the middle of a line
    (folder / "study.journal.lock").touch()
    assert run(folder, trials=2) == 0
    found = rows(folder)
    assert [row.state for row in found] == ["done"] * 2
    assert found[0].value == pytest.approx(quality(found[0].settings[RATE]))
    assert len(pids(folder, 0)) == 2
    assert not any(runs(pid) for pid in pids(folder, 0))


def test_without_optuna_nothing_starts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"easyrec_lite\[tune\]"):
        run(folder)
    assert not folder.exists()


def test_a_damaged_journal_is_told(folder: Path) -> None:
    run(folder, trials=1)
    journal = folder / "study.journal"
    journal.write_bytes(b"garbage\n" + journal.read_bytes())
    with pytest.raises(DataError, match=r"study\.journal"):
        run(folder, trials=2)


def test_the_storage_is_json_lines(folder: Path) -> None:
    run(folder, trials=1)
    lines = (folder / "study.journal").read_text("utf-8").splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_the_seed_counts_up_unless_it_is_searched() -> None:
    pipeline = load_config(CONFIG, {"train_config.seed": 7})
    assert seed_of(pipeline, parse_flags(SEARCH)) == ("train_config.seed", 7)
    assert seed_of(pipeline, parse_flags(["train_config.seed=int(1, 3)"])) is None


def test_jobs_share_the_cores_unless_the_config_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    pipeline = load_config(CONFIG)
    names = [f"train_config.{kind}_op_parallelism_threads" for kind in ("inter", "intra")]
    assert thread_edits(pipeline, 1) == {}
    assert thread_edits(pipeline, 3) == dict.fromkeys(names, 2)
    assert thread_edits(pipeline, 16) == dict.fromkeys(names, 1)
    assert thread_edits(load_config(CONFIG, {names[1]: 4}), 3) == {}
