"""The guides of CONTRIBUTING.md work: followed step by step in a copy of the repository."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from easyrec_lite.datasets import __main__ as datasets
from tests.commands import call
from tests.test_readme import ROOT

pytest.importorskip("grpc_tools", reason="compiling the schema needs grpcio-tools")
pytestmark = pytest.mark.slow

PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.M | re.S)
COPIED = ("easyrec_lite", "protos", "configs", "tests", "docs", "setup.py", "pyproject.toml")
COMPILE = "import runpy, sys; sys.argv = ['setup.py', '--version']"
COMPILE += "; runpy.run_path('setup.py')['compile_schema']()"
ROWS = ["--rows", "600", "--users", "120", "--items", "80"]
SMALL = ["--train_config.num_steps=3", "--data_config.batch_size=32"]


class Guide(NamedTuple):
    """One guide: `files` are new ones, `schema` are additions to a proto file."""

    files: dict[str, str]
    schema: list[tuple[str, str, str]]
    commands: list[str]


def guide(text: str) -> Guide:
    """Reads a guide's code blocks; the first line of each but a command names its file.

    `// FILE: LINE` puts the block behind that line of the file, else it goes to the end.
    """
    found = Guide({}, [], [])
    for indent, language, block in FENCE.findall(text):
        code = textwrap.dedent(block) if indent else block
        name, _, body = code.partition("\n")
        if language == "python":
            found.files[name.removeprefix("# ")] = body
        elif language == "proto":
            file, _, line = name.removeprefix("// ").partition(": ")
            found.schema.append((file, line, body))
        else:
            found.commands.append(code)
    return found


GUIDES = {
    title: guide(text)
    for title, text in re.findall(r"^## Add (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
}


def run(folder: Path, *command: str) -> None:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def add(folder: Path, file: str, line: str, body: str) -> None:
    """Puts lines of a schema behind the one that reads `line`, or at the end of the file."""
    path = folder / file
    lines = path.read_text("utf-8").splitlines(keepends=True)
    places = (
        [i + 1 for i, each in enumerate(lines) if each.strip() == line] if line else [len(lines)]
    )
    assert len(places) == 1, f"{file} has {len(places)} lines {line!r}"
    lines.insert(places[0], body if line else f"\n{body}")
    path.write_text("".join(lines), "utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository in which all guides were followed, with data to train on."""
    folder = tmp_path_factory.mktemp("contributing")
    for name in COPIED:
        copied = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copied(ROOT / name, folder / name)
    for each in GUIDES.values():
        for place in each.schema:
            add(folder, *place)
        for file, code in each.files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code, "utf-8")
    run(folder, sys.executable, "-c", COMPILE)
    call(datasets, ["taobao-synthetic", "--out", str(folder / "data/taobao-synthetic"), *ROWS])
    return folder


def test_there_is_a_guide_for_each_kind_of_component() -> None:
    assert set(GUIDES) == {
        "a model",
        "a layer",
        "a loss",
        "a metric",
        "a reader",
        "a sampler",
        "a feature kind",
    }


@pytest.mark.skipif(shutil.which("ruff") is None, reason="ruff is not installed")
def test_the_code_of_the_guides_is_in_style(copy: Path) -> None:
    files = [name for own in GUIDES.values() for name in own.files]
    run(copy, "ruff", "check", *files)
    run(copy, "ruff", "format", "--check", "--diff", *files)


def test_the_tests_of_the_guides_pass(copy: Path) -> None:
    tests = [name for own in GUIDES.values() for name in own.files if name.startswith("tests/")]
    assert len(tests) == len(GUIDES)
    run(copy, sys.executable, "-m", "pytest", "-q", *tests, "tests/test_architecture.py")


@pytest.mark.parametrize("title", GUIDES)
def test_the_commands_of_a_guide_run(title: str, copy: Path) -> None:
    flags = [*SMALL, f"--model_dir=experiments/{title.replace(' ', '_')}"]
    if title != "a model":
        flags.append("--export_config.exporter_type=none")
    for command in GUIDES[title].commands:
        run(copy, "bash", "-ec", f"{command.rstrip()} {shlex.join(flags)}")
