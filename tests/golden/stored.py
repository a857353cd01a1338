"""EasyRec's numbers of a case on disk: whole arrays, or the sample that every clone has.

A whole case has a NumPy archive for each name in `NUMBERS`. A sampled case has one archive,
`SAMPLE`, with two arrays of bytes:
  - `bytes`: the kept values of all arrays end to end, each distinct content once;
  - `index`: a JSON object, `FILE/NAME` → `shape` of the whole array, and `dtype`, `offset` of its
    kept values and `rows`, the kept ones along axis 0, unless all are kept. A variable that
    `initial_value` gives has `crc32`, the checksum of its values, instead.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from tests.golden.weights import initial_value

Arrays = dict[str, np.ndarray]

NUMBERS = ("vars", "train", "eval", "predict", "after_steps")
SAMPLE = "sample.npz"


class Stored:
    """The numbers of the case in `folder`.

    Args:
      folder: holds `SAMPLE`, or an archive for each of `NUMBERS`; and ids.npz.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._index: dict[str, Any] | None = None
        self._loaded: dict[str, Arrays] = {}
        if (folder / SAMPLE).is_file():
            with np.load(folder / SAMPLE) as sample:
                self._index = json.loads(sample["index"].tobytes())
                self._bytes = sample["bytes"].tobytes()

    def arrays(self, file: str) -> Arrays:
        """Returns the arrays of `FILE.npz` by name; of a sample, their kept rows."""
        if file not in self._loaded:
            self._loaded[file] = self._load(file)
        return self._loaded[file]

    def rows(self, file: str, name: str) -> np.ndarray | None:
        """Returns the kept rows of an array, int64 [R]; `None` if it is whole."""
        rows = self._entry(file, name).get("rows")
        return None if rows is None else np.array(rows, np.int64)

    def shape(self, file: str, name: str) -> tuple[int, ...]:
        """Returns the shape of the whole array."""
        entry = self._entry(file, name)
        return tuple(entry["shape"]) if entry else self.arrays(file)[name].shape

    def _entry(self, file: str, name: str) -> dict[str, Any]:
        return self._index.get(f"{file}/{name}", {}) if self._index else {}

    def _load(self, file: str) -> Arrays:
        if self._index is None or file == "ids":
            with np.load(self._folder / f"{file}.npz") as stored:
                return {name: stored[name] for name in stored.files}
        names = [key.partition("/")[2] for key in self._index if key.startswith(f"{file}/")]
        return {name: self._value(name, self._entry(file, name)) for name in names}

    def _value(self, name: str, entry: dict[str, Any]) -> np.ndarray:
        shape = tuple(entry["shape"])
        if "crc32" in entry:
            value = initial_value(name, shape)
            assert zlib.crc32(value.tobytes()) == entry["crc32"], (
                f"{name}: other weights than EasyRec's"
            )
            return value
        if "rows" in entry:
            shape = (len(entry["rows"]), *shape[1:])
        count = int(np.prod(shape))
        return np.frombuffer(self._bytes, entry["dtype"], count, entry["offset"]).reshape(shape)
