"""Outputs that must not take the place of inputs."""

from __future__ import annotations

from collections.abc import Iterable

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Place, Problem


def refuse_overwriting(output: fs.Name, inputs: Iterable[fs.Name], flag: str) -> None:
    """Checks that an output file is none of the files that are read, under any name.

    Args:
      output: the file to write.
      inputs: the files that are read.
      flag: the command-line flag that names the output.

    Raises:
      ConfigError: the output is one of the inputs.
    """
    for path in inputs:
        if fs.same(output, path):
            raise ConfigError(
                Problem(
                    f"{flag} names a file that is read: it would be overwritten",
                    Place("command line"),
                    expected="a file of its own",
                    found=str(output) if str(output) == str(path) else f"{output}, which is {path}",
                    remedy=f"give {flag} another path",
                )
            )
