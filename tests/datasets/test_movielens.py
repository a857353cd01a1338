from __future__ import annotations

import gzip
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from easyrec_lite.checks.columns import InputField
from easyrec_lite.core.errors import DataError
from easyrec_lite.data.tables.item_table import read_item_table
from easyrec_lite.datasets import __main__ as datasets
from easyrec_lite.datasets.movielens import COLUMNS, GENRES, make
from tests import commands


def frame(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, header=None, names=COLUMNS, dtype=str, keep_default_na=False)


def rows(path: Path) -> list[dict[str, str]]:
    records = frame(path).to_dict("records")
    return [{str(name): cell for name, cell in row.items()} for row in records]


def write_1m(folder: Path, ratings: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "users.dat").write_text(
        "1::F::1::10::48067\n2::M::56::16::98107-2450\n3::M::25::0::55117\n"
    )
    movies = (
        "7::Toy, Story (1995)::Animation|Children's\n"
        "8::Café (of) 1999 (2000)::Drama\n"
        "9::X (1990)::War\n"
    )
    (folder / "movies.dat").write_text(movies, encoding="iso-8859-1")
    given = (
        "1::7::5::100\n1::8::3::100\n1::9::4::200\n"
        "2::9::1::50\n2::8::5::50\n2::7::2::40\n3::7::4::10\n"
    )
    (folder / "ratings.dat").write_text(ratings or given)
    return folder


def test_rows_of_a_small_ml_1m(tmp_path: Path) -> None:
    make(write_1m(tmp_path / "ml-1m"), tmp_path)
    train, test = rows(tmp_path / "train.csv"), rows(tmp_path / "test.csv")
    assert [(row["user_id"], row["movie_id"], row["history"]) for row in train] == [
        ("1", "7", ""),
        ("1", "8", ""),  # the other rating of the same second is not earlier
        ("2", "7", ""),
        ("2", "9", "7"),
        ("3", "7", ""),  # a user's only rating stays in training
    ]
    assert test[0] == {
        "liked": "1",
        "rating": "4",
        "timestamp": "200",
        "user_id": "1",
        "gender": "F",
        "age": "1",
        "occupation": "10",
        "zip": "480",
        "movie_id": "9",
        "genres": "War",
        "year": "1990",
        "history": "8|7",
        "recent": "8|7",
        "last": "8",
    }
    assert [(row["user_id"], row["movie_id"], row["history"]) for row in test[1:]] == [
        ("2", "8", "7")
    ]
    assert [row["zip"] for row in train if row["user_id"] == "2"] == ["981", "981"]
    assert [row["year"] for row in train if row["movie_id"] == "8"] == ["2000"]


def test_item_table(tmp_path: Path) -> None:
    make(write_1m(tmp_path / "ml-1m"), tmp_path)
    fields = [InputField(name, "STRING", b"") for name in ("movie_id", "genres", "year")]
    table = read_item_table(tmp_path / "items.txt", fields)
    assert table.ids.tolist() == ["7", "8", "9"]
    assert table.attributes["genres"].tolist() == ["Animation|Children's", "Drama", "War"]
    np.testing.assert_allclose(table.weights, np.array([4, 2, 2]) ** 0.75, rtol=1e-5)


def test_a_zip_is_as_good_as_its_folder(tmp_path: Path) -> None:
    source = write_1m(tmp_path / "ml-1m")
    with zipfile.ZipFile(tmp_path / "ml-1m.zip", "w") as archive:
        for file in source.iterdir():
            archive.write(file, f"ml-1m/{file.name}")
    one, two = tmp_path / "one", tmp_path / "two"
    assert commands.run(datasets, ["movielens", "--input", source, "--out", one]) == 0
    assert (
        commands.run(datasets, ["movielens", "--input", tmp_path / "ml-1m.zip", "--out", two]) == 0
    )
    for name in ("train.csv", "test.csv", "items.txt"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_histories_hold_the_latest_movies(tmp_path: Path) -> None:
    movies = "".join(f"{i}::M (1990)::War\n" for i in range(60))
    source = write_1m(tmp_path / "ml-1m", "".join(f"1::{i}::5::{i}\n" for i in range(60)))
    (source / "movies.dat").write_text(movies)
    make(source, tmp_path)
    (last,) = rows(tmp_path / "test.csv")
    assert last["history"] == "|".join(str(i) for i in range(58, 8, -1))
    assert last["recent"] == "|".join(str(i) for i in range(58, 53, -1))
    assert last["last"] == "58"


def test_ml_100k(tmp_path: Path) -> None:
    source = tmp_path / "ml-100k"
    source.mkdir()
    (source / "u.data").write_text("1\t5\t3\t100\n1\t6\t4\t99\n")
    (source / "u.user").write_text("1|24|M|technician|85711\n")
    flags = {"5": {"Animation", "War"}, "6": {"unknown"}}
    lines = [
        "|".join(
            [
                movie,
                f"Señor {movie}",
                date,
                "",
                "http://x",
                *("01"[g in on] for g in GENRES.split("|")),
            ]
        )
        for (movie, on), date in zip(flags.items(), ["01-Jan-1995", ""], strict=True)
    ]
    (source / "u.item").write_text("\n".join(lines) + "\n", encoding="iso-8859-1")
    make(source, tmp_path)
    (last,) = rows(tmp_path / "test.csv")
    assert last == {
        "liked": "0",
        "rating": "3",
        "timestamp": "100",
        "user_id": "1",
        "gender": "M",
        "age": "24",
        "occupation": "technician",
        "zip": "857",
        "movie_id": "5",
        "genres": "Animation|War",
        "year": "1995",
        "history": "6",
        "recent": "6",
        "last": "6",
    }
    (first,) = rows(tmp_path / "train.csv")
    assert (first["genres"], first["year"]) == ("unknown", "")


@pytest.mark.parametrize(
    ("ratings", "words"),
    [
        ("1::7::5\n", r"ratings.dat:1: .*wrong number of cells"),
        ("1::7::five::100\n", "rating"),
        ("1::70::5::100\n", "70"),
        ("\n", "empty"),
    ],
)
def test_bad_ratings(tmp_path: Path, ratings: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        make(write_1m(tmp_path / "ml-1m", ratings), tmp_path)


def test_what_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_1m(tmp_path / "ml-1m")
    (source / "users.dat").unlink()
    out = str(tmp_path / "out")
    assert commands.run(datasets, ["movielens", "--input", source, "--out", out]) == 2
    assert "users.dat" in capsys.readouterr().err
    assert commands.run(datasets, ["movielens", "--input", tmp_path / "ml-1n", "--out", out]) == 2
    assert "nearest" in capsys.readouterr().err
    assert (
        commands.run(datasets, ["movielens", "--input", source / "movies.dat", "--out", out]) == 2
    )
    assert "neither a folder nor a zip" in capsys.readouterr().err
    assert not Path(out).exists()


def test_real_ml_1m(shared_data: Path, tmp_path: Path) -> None:
    make(shared_data / "ml-1m", tmp_path)
    train, test = frame(tmp_path / "train.csv"), frame(tmp_path / "test.csv")
    assert (len(train), len(test)) == (994_169, 6_040)
    packed = shared_data / "ml-1m" / "ratings.dat.gz"
    lines = gzip.decompress(packed.read_bytes()).replace(b"::", b",")
    ratings = pd.read_csv(io.BytesIO(lines), header=None).to_numpy()
    of_user = ratings[ratings[:, 0] == 42]
    in_order = of_user[np.argsort(of_user[:, 3], kind="stable")]
    last = test[test["user_id"] == "42"].iloc[0]
    assert int(last["movie_id"]) == in_order[-1, 1]
    earlier = in_order[in_order[:, 3] < in_order[-1, 3], 1][::-1][:50]
    assert last["history"] == "|".join(map(str, earlier))
    ours = pd.concat([train, test])[["user_id", "movie_id"]].astype(int).to_numpy()
    codes = [np.sort(pairs[:, 0] * 10_000 + pairs[:, 1]) for pairs in (ours, ratings)]
    np.testing.assert_array_equal(*codes)


def test_command_does_not_import_tensorflow() -> None:
    code = "import sys, easyrec_lite.datasets.__main__; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
