"""Rows from users and their items without order."""

from __future__ import annotations

from pathlib import Path

import pytest

from easyrec_lite.core.errors import DataError
from easyrec_lite.datasets import __main__ as datasets
from easyrec_lite.datasets.pairs import make
from tests import commands

TRAINING = "".join(
    f"u{user} " + " ".join(f"i{k}" for k in range(user)) + "\n" for user in (1, 9, 25)
)
TESTING = "u9 i90 é\nu77 i1\n"


def pairs(path: Path) -> list[tuple[str, ...]]:
    return [tuple(line.split(",")) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    training, testing = tmp_path / "train.txt", tmp_path / "test.txt"
    training.write_text(TRAINING)
    testing.write_text(TESTING)
    return training, testing


def test_validation_pairs_are_a_share_of_each_user(files: tuple[Path, Path], tmp_path) -> None:
    out = tmp_path / "data"
    argv = ["pairs", "--input", str(files[0]), "--test", str(files[1]), "--out", str(out)]
    assert commands.run(datasets, [*argv, "--valid_share", "0.2"]) == 0
    every = pairs(out / "train_valid.csv")
    assert sorted(every) == sorted((f"u{u}", f"i{k}") for u in (1, 9, 25) for k in range(u))
    valid = pairs(out / "valid.csv")
    assert [user for user, _ in valid] == ["u9"] + 5 * ["u25"]
    assert sorted(pairs(out / "train.csv") + valid) == sorted(every)
    assert pairs(out / "test.csv") == [("u9", "i90"), ("u9", "é"), ("u77", "i1")]
    assert set((out / "vocabulary.txt").read_text("utf-8").split()) == {i for _, i in every} | {
        "i90",
        "é",
    }


def test_the_draw_is_that_of_its_seed(files: tuple[Path, Path], tmp_path) -> None:
    drawn = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        folder = tmp_path / name
        folder.mkdir()
        make(*files, folder, 0.5, seed)
        drawn.append(pairs(folder / "valid.csv"))
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_a_pair_of_both_files_is_refused(files: tuple[Path, Path], tmp_path) -> None:
    files[1].write_text("u9 i90 i3\n")
    with pytest.raises(DataError) as caught:
        make(*files, tmp_path)
    for word in ("'u9'", "'i3'", "test.txt"):
        assert word in str(caught.value)
