"""The study's data: rows to train on, made once out of the raw data set, and what is held out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ncf.held_out import HeldOut, read_held_out
from easyrec_lite.core.files import atomic_folder, atomic_write
from easyrec_lite.datasets import movielens

HELD_OUT = "held_out.npz"
DESCRIPTION = "study.json"


@dataclass(frozen=True)
class Data:
    """A folder with `train.csv`, `test.csv`, `items.txt` and the held-out ratings.

    Attributes:
      folder: where.
      rows: of the training data.
      digest: of everything in it.
    """

    folder: Path
    rows: int
    digest: str

    def held_out(self) -> HeldOut:
        """Reads the held-out ratings."""
        return HeldOut.load(self.folder / HELD_OUT)


def prepare(source: Path, folder: Path) -> Data:
    """Makes `folder` out of the raw data set `source`, unless it is there; returns what it is.

    Raises:
      DataError: the raw data set is missing or bad.
    """
    if not (folder / DESCRIPTION).is_file():
        with atomic_folder(folder, overwrite=True) as aside:
            movielens.make(source, aside, "ncf")
            held_out = read_held_out(source, aside)
            held_out.save(aside / HELD_OUT)
            content = {"rows": len(held_out.seen.items), "digest": _digest(aside)}
            atomic_write(aside / DESCRIPTION, json.dumps(content) + "\n")
    return Data(folder, **json.loads((folder / DESCRIPTION).read_text()))


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for name in ("train.csv", "test.csv", "items.txt"):
        with (folder / name).open("rb") as file:
            while block := file.read(1 << 24):
                found.update(block)
    return found.hexdigest()
