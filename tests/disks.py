"""Disks that are full, and folders that cannot be written to."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def limit(room: int) -> Iterator[None]:
    """Within the block no file of this process grows beyond `room` bytes, for any user."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Disk:
    """A file system of its own in memory, at `folder`; skips the test where none can be mounted."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(folder)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no file system can be mounted: {error}")

    def set(self, *options: str) -> None:
        """Mounts it anew with options: `ro`, `rw`, `size=40k`."""
        command = ["mount", "-o", f"remount,{','.join(options)}", str(self.folder)]
        subprocess.run(command, check=True)

    def close(self) -> None:
        """Takes it away."""
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


@contextmanager
def mounted(folder: Path) -> Iterator[Disk]:
    """Gives a `Disk` for the block."""
    disk = Disk(folder)
    try:
        yield disk
    finally:
        disk.close()


@contextmanager
def no_room(kind: str, folder: Path, room: int) -> Iterator[Path]:
    """Gives a folder where `room` bytes find room.

    Args:
      kind: `full`, a disk of that size, which is a multiple of 4096; or `limit`, on each file.
      folder: where to make it.
      room: bytes.
    """
    if kind == "full":
        with mounted(folder) as disk:
            disk.set(f"size={room}")
            yield folder
    else:
        folder.mkdir()
        with limit(room):
            yield folder
