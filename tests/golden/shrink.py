"""Makes tests/golden/data: `python -m tests.golden.shrink DIR [CASE …]`, DIR holding whole cases.

What a case keeps:
  - rows.csv, the negatives, pipeline.config and ids.npz as they are;
  - of `vars`, a checksum: `initial_value` computes them;
  - logits, losses, metrics, penalties and vectors whole;
  - of other arrays `ROWS` rows, spread evenly. Of a table: rows that the batch looks up and
    `UNTOUCHED` rows that it does not, which have no gradient and stay as they are;
  - the weights after the last step, not those after the first.
"""

from __future__ import annotations

import argparse
import json
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from tests.golden import CASES
from tests.golden.names import TABLE
from tests.golden.stored import NUMBERS, SAMPLE, Arrays, Stored
from tests.golden.weights import initial_value

ROWS, UNTOUCHED = 16, 3
WHOLE = ("out/logits", "label/", "random/")
LEFT_OUT = "step1/var/"
COPIED = ("rows.csv", "pipeline.config", "ids.npz")


def kept_rows(name: str, shape: tuple[int, ...], ids: Arrays) -> np.ndarray | None:
    """Returns which rows of an array are kept, sorted int64 [R]; `None` for all.

    Args:
      name: of the array in its file.
      shape: of the array.
      ids: feature → ids that the batch looks up; −1 where there is none.
    """
    if len(shape) < 2 or shape[0] <= ROWS or name.startswith(WHOLE):
        return None
    table = TABLE.search(name)
    if not table:
        return _spread(np.arange(shape[0]), ROWS)
    touched = np.unique(ids[table[1]])
    touched = touched[touched >= 0]
    untouched = np.setdiff1d(np.arange(shape[0]), touched)
    return np.union1d(_spread(touched, ROWS - UNTOUCHED), _spread(untouched, UNTOUCHED))


def _spread(rows: np.ndarray, count: int) -> np.ndarray:
    """Returns `count` of the rows, from the first to the last."""
    places = np.linspace(0, max(len(rows) - 1, 0), min(count, len(rows)))
    return rows[np.unique(places.round().astype(int))]


def sample(stored: Stored) -> tuple[dict[str, Any], bytes]:
    """Returns the index and the bytes of `SAMPLE`."""
    index: dict[str, Any] = {}
    offsets: dict[bytes, int] = {}
    end, ids = 0, stored.arrays("ids")
    for file in NUMBERS:
        for name, array in stored.arrays(file).items():
            if name.startswith(LEFT_OUT):
                continue
            entry = index[f"{file}/{name}"] = {"shape": list(array.shape)}
            if file == "vars" and np.array_equal(initial_value(name, array.shape), array):
                entry["crc32"] = zlib.crc32(array.tobytes())
                continue
            rows = None if file == "vars" else kept_rows(name, array.shape, ids)
            if rows is not None:
                entry["rows"] = rows.tolist()
            content = (array if rows is None else array[rows]).tobytes()
            entry["dtype"] = array.dtype.str
            entry["offset"] = offsets.setdefault(content, end)
            end = max(end, entry["offset"] + len(content))
    return index, b"".join(offsets)


def shrink(source: Path, target: Path) -> int:
    """Writes the sampled case of `source` to the folder `target`; returns its bytes."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in [*(source / name for name in COPIED), *source.glob("*_gl.txt")]:
        shutil.copyfile(path, target / path.name)
    meta = json.loads((source / "meta.json").read_text())
    kept = {name: meta[name] for name in ("batch", "trainable")}
    (target / "meta.json").write_text(json.dumps(kept, indent=1) + "\n")
    index, content = sample(Stored(source))
    text = np.frombuffer(json.dumps(index, separators=(",", ":")).encode(), np.uint8)
    np.savez_compressed(target / SAMPLE, index=text, bytes=np.frombuffer(content, np.uint8))
    return sum(path.stat().st_size for path in target.iterdir())


def main() -> None:
    """Makes the named cases, or all, and prints how large each is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", type=Path, help="folder of whole cases")
    parser.add_argument("cases", nargs="*", help="names of the cases (default: those in data/)")
    flags = parser.parse_args()
    present = sorted(path.parent.name for path in CASES.glob("*/meta.json"))
    for name in flags.cases or present:
        print(f"{name:<20} {shrink(flags.source / name, CASES / name):>9,} bytes")


if __name__ == "__main__":
    main()
