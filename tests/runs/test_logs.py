"""Where log lines go, by absl's flags; each case in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import logging, sys
import absl.logging
from easyrec_lite.runs import command_line as cli
def main(args):
    log = logging.getLogger("easyrec_lite.some.module")
    log.debug("ours at debug")
    log.info("ours at info")
    log.warning("ours at warning")
    logging.getLogger("theirs").info("theirs at info")
    logging.getLogger("theirs").warning("theirs at warning")
    absl.logging.set_verbosity(absl.logging.INFO)  # as TensorFlow does while it saves a model
    absl.logging.warning("TensorFlow's at warning")
sys.exit(cli.run(cli.Parser, main))
"""
PREFIX = r"^[IW]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \S+\] "


def run(*flags: str) -> tuple[list[str], list[str]]:
    """Returns the lines of standard output and standard error."""
    command = [sys.executable, "-c", PROGRAM, *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines(), done.stderr.splitlines()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], ["ours at info", "ours at warning", "theirs at warning"]),
        (["--verbosity=0"], ["ours at info", "ours at warning", "theirs at warning"]),
        (["-v", "1"], ["ours at debug", "ours at info", "ours at warning", "theirs at warning"]),
        (["--verbosity=-1"], ["ours at warning", "theirs at warning"]),
        (["--verbosity=-2"], []),
        (
            ["--logger_levels=easyrec_lite:WARNING,theirs:INFO"],
            ["ours at warning", "theirs at info", "theirs at warning"],
        ),
    ],
)
def test_lines_are_plain_on_standard_output_by_level(flags: list[str], expected: list[str]) -> None:
    assert run(*flags) == (expected, [])


def test_standard_error_has_absls_prefix() -> None:
    out, err = run("--logtostderr")
    assert out == []
    assert [re.sub(PREFIX, "", line) for line in err] == run()[0]
    assert all(re.match(PREFIX, line) for line in err)


def test_both() -> None:
    out, err = run("--alsologtostderr")
    assert out == run()[0]
    assert [re.sub(PREFIX, "", line) for line in err] == out


def test_a_folder_for_log_files(tmp_path: Path) -> None:
    assert run(f"--log_dir={tmp_path}") == ([], [])
    (file,) = [path for path in tmp_path.iterdir() if not path.is_symlink()]
    assert file.name.startswith("easyrec_lite.")
    lines = file.read_text("utf-8").splitlines()
    assert [re.sub(PREFIX, "", line) for line in lines] == run()[0]
