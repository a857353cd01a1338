"""`easyrec-lite COMMAND` and `python -m easyrec_lite`: the list, each help, the version."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import easyrec_lite
from easyrec_lite.__main__ import main
from easyrec_lite.distribution.cluster import JOIN_SECONDS
from easyrec_lite.runs.commands import COMMANDS

# As in a docstring; and pages of Python have no place in help.
SECTIONS = re.compile(r"^\s*(Raises|Returns|Args|Yields):", re.M)


@pytest.fixture(autouse=True)
def prog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/easyrec-lite"])


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"], ["help"]])
def test_the_list_has_a_line_for_each_command(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("usage: easyrec-lite COMMAND")
    for name, summary in COMMANDS.items():
        assert [line for line in lines if line.split(maxsplit=1) == [name, summary]]
    assert max(map(len, lines)) <= 100


def test_each_command_module_is_listed() -> None:
    folder = Path(easyrec_lite.__file__).parent
    modules = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("__")}
    assert modules | {"datasets"} == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_says_what_a_command_does_and_shows_examples(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: easyrec-lite {name} [")
    assert COMMANDS[name] in shown
    assert f"  easyrec-lite {name} " in shown[shown.index("example") :]
    assert not SECTIONS.search(shown)
    assert "--verbosity" in shown


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"launch"}))
def test_the_examples_of_a_command_parse(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"easyrec_lite.{name}")
    if name == "datasets":
        module = importlib.import_module("easyrec_lite.datasets.__main__")
    for example in module.EXAMPLES:
        words = re.findall(r"'[^']*'|\S+", example.replace("\\\n", " "))
        module.parser().parse_args([word.strip("'") for word in words])


def test_only_flags_that_matter_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def flags(name: str) -> set[str]:
        assert main([name, "--help"]) == 0
        return set(re.findall(r"--\w+", capsys.readouterr().out))

    own = {"--continue_train", "--fine_tune_checkpoint"}
    assert own <= flags("train")
    for name in ("evaluate", "export", "predict", "recommend", "report", "build_index", "cache"):
        assert not own & flags(name), name
    assert "--train_input_path" not in flags("predict")


def test_defaults_that_help_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert f"other processes of TF_CONFIG (default: {JOIN_SECONDS:g})" in words


def test_unknown_commands_exit_2_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tarin"]) == 2
    printed = capsys.readouterr().err
    assert "'tarin'" in printed
    assert re.search(r"nearest: +train\n", printed)


def test_a_command_runs_with_its_flags(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "train_config.num_steps"]) == 0
    assert capsys.readouterr().out.startswith("train_config.num_steps\n")
    assert main(["explain", "train_config.num_stps"]) == 2
    assert "num_steps" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"easyrec_lite {easyrec_lite.__version__}\n"


def test_as_a_module() -> None:
    command = [sys.executable, "-m", "easyrec_lite", "check", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: python -m easyrec_lite check [")
