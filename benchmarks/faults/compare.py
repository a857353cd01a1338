"""Whether two model folders say the same: weights, losses, metrics, exports, and no more files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.faults.cases import CACHE
from easyrec_lite.core.errors import ProblemError
from easyrec_lite.data.cache import folders
from easyrec_lite.serving.checksums import verify
from easyrec_lite.serving.manifest import read_manifest
from easyrec_lite.training.checkpoint_files import checkpoint_paths

SPEED = {"examples_per_second", "input_wait_share"}
SAME_BYTES = ("evaluations.jsonl", "eval_result.json")


def differences(found: Path, expected: Path) -> list[str]:
    """Returns what differs in two model folders, a line each; bit for bit, nothing is close."""
    return [
        *_files(found, expected),
        *_weights(checkpoint_paths(found)[-1], checkpoint_paths(expected)[-1]),
        *_losses(found, expected),
        *_exports(found),
        *_caches(found / CACHE, expected / CACHE),
    ]


def _files(found: Path, expected: Path) -> list[str]:
    ours, theirs = _names(found), _names(expected)
    lines = [f"left over: {name}" for name in sorted(ours - theirs)]
    lines += [f"missing: {name}" for name in sorted(theirs - ours)]
    same = [*SAME_BYTES, *(name for name in theirs if name.endswith(".npy"))]
    for name in sorted(ours.intersection(same)):
        if (found / name).read_bytes() != (expected / name).read_bytes():
            lines.append(f"differs: {name}")
    return lines


def _names(folder: Path) -> set[str]:
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    return {n for n in files if "tfevents" not in n and not n.startswith(f"{CACHE}/")}


def _weights(found: str, expected: str) -> list[str]:
    ours, theirs = tf.train.load_checkpoint(found), tf.train.load_checkpoint(expected)
    names = theirs.get_variable_to_shape_map()
    if names != ours.get_variable_to_shape_map():
        return ["other variables"]
    wanted = [name for name in sorted(names) if name.endswith("VARIABLE_VALUE")]
    return [
        f"differs: {name}"
        for name in wanted
        if np.asarray(ours.get_tensor(name)).tobytes()
        != np.asarray(theirs.get_tensor(name)).tobytes()
    ]


def _losses(found: Path, expected: Path) -> list[str]:
    ours, theirs = events(found), events(expected)
    lines = [f"no event: {at}" for at in theirs.keys() - ours.keys()]
    lines += [f"event of no step: {at}" for at in ours.keys() - theirs.keys()]
    return lines + [
        f"differs: {at}" for at in theirs.keys() & ours.keys() if ours[at] != theirs[at]
    ]


def events(folder: Path) -> dict[tuple[str, str, int], set[bytes]]:
    """Returns every value that event files hold: (folder, name, step) → float32 values as bytes."""
    values: dict[tuple[str, str, int], set[bytes]] = {}
    for file in sorted(folder.rglob("*tfevents*")):
        for record in _records(file):
            event = tf.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                if value.tag not in SPEED:
                    at = (file.parent.relative_to(folder).as_posix(), value.tag, event.step)
                    values.setdefault(at, set()).add(value.tensor.tensor_content)
    return values


def _records(file: Path) -> list[bytes]:
    """Returns the records up to where a kill cut the file off."""
    records: list[bytes] = []
    try:
        records.extend(tf.data.TFRecordDataset(str(file)).as_numpy_iterator())
    except tf.errors.DataLossError:
        return records
    return records


def _exports(folder: Path) -> list[str]:
    lines = []
    for path in folder.glob("export/*/*"):
        try:
            files = read_manifest(path)["files"]
            verify(path, files, files)
        except (ProblemError, json.JSONDecodeError) as error:
            lines.append(str(error))
    return lines


def _caches(found: Path, expected: Path) -> list[str]:
    """Kept rows are whole, of the same data, and nothing else lies there.

    Their order may differ, and a run that was killed late may have had no epoch left to keep.
    """
    theirs = {cache.folder.name: cache for cache in folders.caches(expected)}
    lines = [f"left over: {path.name}" for path, _ in folders.building(found)]
    for cache in folders.caches(found):
        if isinstance(cache, folders.BrokenCache):
            lines.append(f"broken: {cache}")
            continue
        other = theirs.get(cache.folder.name)
        if other is None:
            lines.append(f"another cache: {cache.folder.name}")
        elif not isinstance(other, folders.BrokenCache):
            lines += _cached_values(cache, other)
    return lines


def _cached_values(found: folders.CacheEntry, expected: folders.CacheEntry) -> list[str]:
    """Compares row by row what has one size in every row; loading compares all with checksums."""
    if {**found.manifest, "files": 0} != {**expected.manifest, "files": 0}:
        return [f"differs: manifest of {found.folder.name}"]
    try:
        ours, theirs = found.load(), expected.load()
    except folders.BrokenCache as error:
        return [f"broken: {error}"]
    at, there = ours.pop("index"), theirs.pop("index")
    good = there >= 0
    if not np.array_equal(at >= 0, good):
        return [f"other rows: {found.folder.name}"]
    return [
        f"differs: {found.folder.name}/{name}"
        for name, values in ours.items()
        if len(values) == found.rows
        and not np.array_equal(values[at[good]], theirs[name][there[good]])
    ]
