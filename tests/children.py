"""Python processes of their own, for tests of what outlives one or dies with it."""

from __future__ import annotations

import subprocess
import sys


def started(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Returns a process that runs `script`, once it has printed a first line.

    It may wait for the end of its input: `communicate("")`.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process
