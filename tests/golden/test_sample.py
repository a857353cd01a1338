"""The sampled cases in the repository hold what they claim to hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import shared_folder
from tests.golden import CASES
from tests.golden.case import case_folders
from tests.golden.names import TABLE
from tests.golden.shrink import shrink
from tests.golden.stored import SAMPLE, Stored

MEGABYTE = 1 << 20
EVERY_CASE = pytest.mark.parametrize("folder", case_folders(CASES), ids=lambda path: path.name)


def test_the_samples_are_small() -> None:
    size = sum(path.stat().st_size for path in CASES.rglob("*") if path.is_file())
    assert size <= 2 * MEGABYTE


@EVERY_CASE
def test_tables_keep_rows_that_the_batch_reads_and_rows_that_it_does_not(folder: Path) -> None:
    stored = Stored(folder)
    tables = [name for name in stored.arrays("vars") if TABLE.search(name)]
    assert tables
    for name in tables:
        rows = stored.rows("after_steps", f"step3/var/{name}")
        moved = stored.arrays("after_steps")[f"step3/var/{name}"]
        start = stored.arrays("vars")[name]
        start = start if rows is None else start[rows]
        changes = np.any(moved != start, axis=1)
        assert changes.any(), name
        assert rows is None or not changes.all(), name


@EVERY_CASE
def test_the_sample_is_that_of_the_whole_case(folder: Path, tmp_path: Path) -> None:
    wholes = (shared_folder(name) / folder.name for name in ("golden", "golden_match"))
    shrink(next(whole for whole in wholes if whole.is_dir()), tmp_path / "case")
    made = {path.name: path for path in (tmp_path / "case").iterdir()}
    assert made.keys() == {path.name for path in folder.iterdir()}
    for name, path in made.items():
        if name != SAMPLE:  # its compression depends on the zlib at hand
            assert path.read_bytes() == (folder / name).read_bytes(), name
    with np.load(made[SAMPLE]) as ours, np.load(folder / SAMPLE) as theirs:
        for name in ("index", "bytes"):
            np.testing.assert_array_equal(ours[name], theirs[name], name)
