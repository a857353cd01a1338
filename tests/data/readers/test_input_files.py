from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from easyrec_lite.core.errors import DataError
from easyrec_lite.data.readers.input_files import expand, is_gzip, repeated_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "b.csv",
        "a.csv",
        "c.txt",
        ".hidden.csv",
        "_SUCCESS",
        "train/part-1",
        "train/part-0",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1\n")
    (tmp_path / "train" / "inner").mkdir()
    return tmp_path


def names(path: str, folder: Path) -> list[str]:
    return [str(Path(file).relative_to(folder)) for file in expand(path)]


def test_lists_globs_and_folders(folder: Path) -> None:
    assert names(f"{folder}/*.csv", folder) == ["a.csv", "b.csv"]
    assert names(f"{folder}/train", folder) == ["train/part-0", "train/part-1"]
    assert names(str(folder), folder) == ["a.csv", "b.csv", "c.txt"]
    assert names(f"{folder}/c.txt, {folder}/tr*,", folder) == [
        "c.txt",
        "train/part-0",
        "train/part-1",
    ]


def test_a_file_is_read_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """However often a pattern of any depth, a folder or a link names it."""
    assert names(f"{folder}/**", folder) == [
        "a.csv",
        "b.csv",
        "c.txt",
        "train/part-0",
        "train/part-1",
    ]
    assert not caplog.records
    (folder / "other").symlink_to(folder / "train")
    assert names(f"{folder}/a.csv,{folder}/*.csv,{folder}/train,{folder}/other", folder) == [
        "a.csv",
        "b.csv",
        "train/part-0",
        "train/part-1",
    ]
    assert [f"{folder}/*.csv" in caplog.text, f"{folder}/other" in caplog.text] == [True, True]
    assert [p.place.file for p in repeated_files(f"{folder}/a.csv,{folder}/*.csv")] == [
        f"{folder}/*.csv"
    ]


def test_a_file_named_with_a_comma_is_that_file(folder: Path) -> None:
    (folder / "x,y.csv").write_text("1\n")
    assert names(f"{folder}/x,y.csv", folder) == ["x,y.csv"]


def test_a_missing_file_names_the_nearest(folder: Path) -> None:
    with pytest.raises(DataError) as raised:
        expand(f"{folder}/a.cvs,{folder}/trian/part-0,{folder}/*.parquet")
    near = {problem.place.file: problem.nearest for problem in raised.value.problems}
    assert near == {
        f"{folder}/a.cvs": f"{folder}/a.csv",
        f"{folder}/trian/part-0": f"{folder}/train",
        f"{folder}/*.parquet": "",
    }


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "no input path"),
        (" , ", "no input path"),
        ("hdfs://cluster/rows", "only files on this machine"),
        ("train/inner", "holds no data files"),
    ],
)
def test_a_path_that_means_no_file(folder: Path, monkeypatch, path: str, message: str) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(DataError, match=message):
        expand(path)


def test_compression_is_known_by_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(b"x"))
    (tmp_path / "b.gz").write_bytes(b"")
    assert [is_gzip(str(tmp_path / name)) for name in ("a", "b.gz")] == [True, False]
