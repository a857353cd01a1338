"""When a cache is used, built again, left alone or removed."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyrec_lite import cache as command
from easyrec_lite.data.cache import folders, key
from easyrec_lite.data.cache.encoding import entries
from easyrec_lite.data.cache.layout import CacheLayout
from easyrec_lite.data.cache.writer import CacheWriter
from easyrec_lite.features.transform import FeatureTransform
from easyrec_lite.training.input import BatchInput, ReadPlan
from tests import commands
from tests.children import started
from tests.data.cache.rows import (
    SMALL,
    as_bytes,
    batches,
    caches,
    made,
    opened,
    pipeline,
    write,
)
from tests.disks import no_room

TWICE = {"epochs": 2, "shuffle": True, "seed": 3}


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write(tmp_path / "data", "CSVInput", made(40), 25)
    return tmp_path / "data"


def source(data: Path, cache: str = "", more: str = "", features: str = SMALL) -> BatchInput:
    return opened(pipeline("CSVInput", more, cache, features), data)


KNOWN: dict[Any, list[list[bytes]]] = {}


def plain(data: Path, features: str = SMALL) -> list[list[bytes]]:
    """Returns the batches of an input without a cache; those of the same rows are made once."""
    files = [file.read_bytes() for file in sorted(data.iterdir()) if file.is_file()]
    known = (*files, features)
    if known not in KNOWN:
        KNOWN[known] = batches(source(data, "mode: OFF", features=features), 8, **TWICE)
    return KNOWN[known]


def uses(data: Path, **options: Any) -> bool:
    """Reads twice; returns whether the rows were there from the start; they must be right."""
    found = source(data, **options)
    dataset = found.batches(8, ReadPlan(**TWICE))
    there = found.cached
    assert as_bytes(found.read(dataset)) == plain(data, options.get("features", SMALL))
    assert found.cached
    return there


# What makes kept rows useless.


def rewrite(data: Path) -> None:
    """The same size and times, another content."""
    file = data / "part-0"
    before = file.stat()
    text = file.read_bytes()
    file.write_bytes(text.replace(b'"1"', b'"0"', 1))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (len(text), before.st_mtime_ns)


def touch(data: Path) -> None:
    os.utime(data / "part-1", (1, 1))


def add_file(data: Path) -> None:
    write(data / "more", "CSVInput", made(9, seed=1))
    (data / "more" / "part-0").rename(data / "part-2")


@pytest.mark.parametrize("change", [rewrite, touch, add_file])
def test_other_data_is_read_anew(data: Path, change: Any) -> None:
    assert not uses(data)
    assert uses(data)
    change(data)
    assert not uses(data)
    assert uses(data)


@pytest.mark.parametrize(
    ("options", "used"),
    [
        ({"features": SMALL.replace("hash_bucket_size: 50", "hash_bucket_size: 51")}, False),
        ({"features": SMALL.replace("TagFeature", 'TagFeature separator: "s"')}, False),
        ({"features": SMALL + 'features { feature_name: "s" input_names: "size" '
          'feature_type: RawFeature }'}, False),
        ({"more": "bad_row_policy: SKIP"}, False),
        ({"features": SMALL.replace("embedding_dim: 4", "embedding_dim: 6")}, True),
        ({"more": "batch_size: 3 num_epochs: 7 shuffle: false"}, True),
    ],
)  # fmt: skip
def test_a_config_that_shapes_other_rows(data: Path, options: dict[str, Any], used: bool) -> None:
    assert not uses(data)
    assert uses(data, **options) == used


@pytest.mark.parametrize("what", ["code", "tensorflow"])
def test_another_version(data: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    assert not uses(data)
    if what == "code":
        monkeypatch.setattr(key, "_code", lambda: "of another version")
    else:
        monkeypatch.setattr(key.tf, "__version__", "2.99.0")
    assert not uses(data)


def test_a_vocabulary_that_changed(data: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("手机\na\n", encoding="utf-8")
    by_hash = "embedding_dim: 4 hash_bucket_size: 50"
    features = SMALL.replace(by_hash, f'embedding_dim: 4 vocab_file: "{words}"')
    assert not uses(data, features=features)
    assert uses(data, features=features)
    words.write_text("a\n手机\n", encoding="utf-8")
    KNOWN.clear()
    assert not uses(data, features=features)


def test_data_that_changes_while_it_is_read_is_not_kept(
    data: Path, log: pytest.LogCaptureFixture
) -> None:
    found = source(data)
    stream = iter(found.batches(8, ReadPlan(epochs=None)))
    next(stream)
    rewrite(data)
    for _ in range(20):
        next(stream)
    assert caches(data) == []
    assert not found.cached
    assert "the data files changed while they were read" in log.text


# Damage.


@pytest.mark.parametrize("name", ["int32", "*-0-ends", "index", "easyrec_cache.json"])
@pytest.mark.parametrize("at", [0, -30])
def test_a_flipped_bit_is_named_and_never_read(
    data: Path, log: pytest.LogCaptureFixture, name: str, at: int
) -> None:
    uses(data)
    (cache,) = caches(data)
    file = sorted(cache.glob(name))[0]
    content = bytearray(file.read_bytes())
    content[at] ^= 4
    file.write_bytes(content)
    log.clear()
    assert not uses(data)
    assert f"{file} is not as it was written" in log.text
    assert uses(data)


@pytest.mark.parametrize("damage", ["cut", "gone", "empty"])
def test_a_file_that_is_not_whole(data: Path, damage: str) -> None:
    uses(data)
    file = caches(data)[0] / "int32"
    if damage == "gone":
        file.unlink()
    else:
        os.truncate(file, 0 if damage == "empty" else file.stat().st_size - 4)
    assert not uses(data)
    assert uses(data)


def test_a_folder_without_a_manifest_is_replaced(data: Path) -> None:
    uses(data)
    (caches(data)[0] / folders.MANIFEST).unlink()
    assert not uses(data)
    assert uses(data)


# Several builders.


def test_two_builders_at_once(data: Path) -> None:
    expected = plain(data)
    first, second = source(data), source(data)
    streams = [iter(each.read(each.batches(8, ReadPlan(**TWICE)))) for each in (first, second)]
    found: list[list[bytes]] = [[], []]
    for _ in expected:
        for stream, positions in zip(streams, found, strict=True):
            positions.append(next(stream).features["user"].ids.numpy().tobytes())
    assert found[0] == found[1]
    assert first.cached
    assert second.cached
    assert len(caches(data)) == 1
    assert list(folders.building(data / folders.FOLDER)) == []
    assert uses(data)


BUILDER = """
import sys
from pathlib import Path
from tests.data.cache.test_folders import source
from easyrec_lite.training.input import ReadPlan
from tests import commands
stream = iter(source(Path(sys.argv[1])).batches(8, ReadPlan(epochs=None)))
next(stream)
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_killed_builder_is_swept_and_a_living_one_is_not(data: Path) -> None:
    process = started(BUILDER, data)
    place = data / folders.FOLDER
    folders.sweep(place)
    assert [alive for _, alive in folders.building(place)] == [True]
    process.kill()
    process.communicate()
    assert [alive for _, alive in folders.building(place)] == [False]
    assert caches(data) == []
    assert not uses(data)
    assert list(folders.building(place)) == []
    assert len(caches(data)) == 1


def test_a_run_that_ends_early_leaves_nothing(data: Path) -> None:
    found = source(data)
    stream = iter(found.batches(8, ReadPlan(epochs=None)))
    next(stream)
    place = data / folders.FOLDER
    assert len(list(folders.building(place))) == 1
    found.close()
    assert list(place.iterdir()) == []


# Size.


def test_the_limit_stops_the_build_with_one_line(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / "data"
    rows = made(60)
    for row in rows:
        row["item"] = "x" * 40_000
    write(data, "CSVInput", rows)
    found = source(data, "max_megabytes: 1")
    assert batches(found, 8, **TWICE) == plain(data)
    assert caches(data) == list(folders.building(data / folders.FOLDER)) == []
    lines = [line for line in log.text.splitlines() if "not built" in line]
    assert len(lines) == 1
    assert "more than max_megabytes: 1" in lines[0]
    assert not found.cached


def test_a_nearly_full_disk_stops_the_build(
    data: Path, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("easyrec_lite.data.cache.writer.FREE_BYTES", 1 << 62)
    found = source(data)
    assert batches(found, 8, **TWICE) == plain(data)
    assert "of the disk would stay free" in log.text
    assert caches(data) == []


@pytest.mark.parametrize(
    ("kind", "room"), [("limit", 100), ("limit", 300), ("full", 4096), ("full", 28_672)]
)
def test_a_full_disk_stops_the_build(
    data: Path,
    tmp_path: Path,
    kind: str,
    room: int,
    log: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """First, amid, and last of what is written; the rows come all the same."""
    monkeypatch.setattr("easyrec_lite.data.cache.writer.FREE_BYTES", 0)
    plain(data)
    with no_room(kind, tmp_path / "disk", room) as disk:
        assert batches(source(data, f'folder: "{disk}"'), 8, **TWICE) == plain(data)
        assert [record.levelname for record in log.records].count("WARNING") == 1
        assert ("No space left" if kind == "full" else "File too large") in log.text
        assert list(disk.iterdir()) == []


def test_a_folder_that_cannot_be_made(data: Path, log: pytest.LogCaptureFixture) -> None:
    (data / folders.FOLDER).write_text("in the way")
    assert batches(source(data), 8, **TWICE) == plain(data)
    assert "not built" in log.text


def test_stale_rows_make_room_first_then_the_least_used(tmp_path: Path) -> None:
    place = tmp_path / "kept"
    for number, name in enumerate("abcd"):
        file = tmp_path / name
        file.write_text(name)
        writer = CacheWriter(place, CacheLayout(()), 1 << 20)
        writer.index(1000)
        target = place / (name * 32)
        writer.finish(target, {"key": {"files": folders.stamps([str(file)])}})
        os.utime(target / folders.MANIFEST, (number, number))
    (tmp_path / "c").write_text("changed")
    size = next(c.bytes for c in folders.caches(place) if isinstance(c, folders.CacheEntry))
    left = []
    for count in (4, 3, 2, 1):
        folders.make_room(place, place / ("b" * 32), count * size)
        left.append("".join(path.name[0] for path in sorted(place.iterdir())))
    assert left == ["abcd", "abd", "bd", "b"]


# The mode, the folder, the command.


def test_a_named_folder_and_the_modes(data: Path, tmp_path: Path) -> None:
    named = f'folder: "{tmp_path}/kept"'
    batches(source(data, named), 8, epochs=1)
    assert not (tmp_path / "kept").exists()
    batches(source(data, f"{named} mode: ALWAYS"), 8, epochs=1)
    assert len(list((tmp_path / "kept").iterdir())) == 1
    found = source(data, named)
    batches(found, 8, epochs=1)
    assert found.cached
    off = source(data, f"{named} mode: OFF")
    batches(off, 8, **TWICE)
    assert not off.cached
    assert caches(data) == []


def run(*arguments: object) -> int:
    return commands.run(command, [str(argument) for argument in arguments])


def test_list_and_clear(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uses(data)
    uses(data, more="bad_row_policy: SKIP")
    touch(data)
    uses(data)
    assert run("list", data) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("stale, its data has changed" in line for line in lines) == 2
    assert sum("current  40 rows" in line and "part-0 and 1 more" in line for line in lines) == 1
    assert run("clear", data, "--stale") == 0
    assert "2 removed" in capsys.readouterr().out
    assert len(caches(data)) == 1
    assert run("clear", data / folders.FOLDER) == 0
    assert list((data / folders.FOLDER).iterdir()) == []


def test_clear_removes_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("export", "0" * 32):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text("{}")
    assert run("clear", tmp_path) == 0
    assert len(list(tmp_path.iterdir())) == 2
    assert "0 removed" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["list"], ["clear", "/no/such"], ["drop", "x"]])
def test_a_wrong_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    assert "error" in capsys.readouterr().err


def test_a_column_without_a_place_is_read_as_before() -> None:
    import tensorflow as tf

    from easyrec_lite.data.cache.layout import NotStorable

    with pytest.raises(NotStorable, match="x has the shape"):
        CacheLayout({"x": tf.TensorSpec([None, None], tf.float32)})
    layout = CacheLayout({"x": tf.TensorSpec([None], tf.int64)}, ["x"])
    with pytest.raises(NotStorable, match="does not fit"):
        entries(layout, [np.array([2**31])], slice(0, 1))


def test_what_follows_from_a_row_alone() -> None:
    from tests.data.cache.rows import FEATURES

    found = FeatureTransform(pipeline("CSVInput", features=FEATURES)).features
    assert [name for name, feature in found.items() if not feature.by_row] == ["logarithm", "ratio"]
