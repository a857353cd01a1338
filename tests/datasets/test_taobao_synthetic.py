from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from easyrec_lite.checks.columns import InputField
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.data.tables.item_table import read_item_table
from easyrec_lite.datasets import __main__ as datasets
from easyrec_lite.datasets.taobao_layout import AD, COLUMNS, PROFILE
from easyrec_lite.datasets.taobao_synthetic import Sizes, auc, make
from tests import commands

SIZES = Sizes(rows=20_000, eval_rows=5_000, users=2_000, items=600)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("taobao")
    make(made, SIZES, seed=3)
    return made


def rows(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, header=None, names=COLUMNS, dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def train(folder: Path) -> pd.DataFrame:
    return rows(folder / "train.csv")


@pytest.fixture(scope="module")
def test(folder: Path) -> pd.DataFrame:
    return rows(folder / "test.csv")


def test_columns_are_those_of_the_real_rows(train: pd.DataFrame, taobao_rows: Path) -> None:
    """Each column's cells look alike: shape of the text, and whether some are empty."""
    real = rows(taobao_rows)
    shapes = {
        frame_name: {
            name: set(frame[name].str.replace(r"\d+", "9", regex=True).str.replace("|9", ""))
            for name in COLUMNS
        }
        for frame_name, frame in [("real", real), ("made", train)]
    }
    for name in COLUMNS:
        if name != "brand":
            assert shapes["made"][name] == shapes["real"][name], name
    assert shapes["made"]["brand"] == {"9", "NULL", ""}
    assert set(real["pid"]) == set(train["pid"])
    for name in [*PROFILE, "price"]:
        values = {int(text) for text in train[name] if text}
        known = {int(text) for text in real[name] if text}
        assert min(values) >= min(known), name
        assert max(values) <= max(known), name


def test_sizes_and_clicked_files(folder: Path, train: pd.DataFrame, test: pd.DataFrame) -> None:
    assert (len(train), len(test)) == (SIZES.rows, SIZES.eval_rows)
    assert set(train["user_id"]) >= set(test["user_id"].iloc[:20])
    for name, frame in [("train", train), ("test", test)]:
        clicked = frame[frame["clk"] == "1"].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows(folder / f"{name}_clicked.csv"), clicked)
        assert 0.1 < len(clicked) / len(frame) < 0.4
        assert set(frame.loc[frame["buy"] == "1", "clk"]) == {"1"}


def test_no_pair_of_user_and_item_comes_twice(train: pd.DataFrame, test: pd.DataFrame) -> None:
    assert not pd.concat([train, test]).duplicated(["user_id", "adgroup_id"]).any()


def test_items_and_users_have_the_same_columns_everywhere(
    train: pd.DataFrame, test: pd.DataFrame
) -> None:
    both = pd.concat([train, test])
    assert (both.groupby("adgroup_id")[[*AD, "price"]].nunique() == 1).all(axis=None)
    assert (both.groupby("user_id")[list(PROFILE)].nunique() == 1).all(axis=None)
    assert (train.groupby("campaign_id")["customer"].nunique() == 1).all()


def test_tags_are_two_lists_of_one_length_up_to_fifty(train: pd.DataFrame) -> None:
    length = {name: train[name].str.count(r"\|") + (train[name] != "") for name in COLUMNS[17:19]}
    assert (length["tag_category_list"] == length["tag_brand_list"]).all()
    assert length["tag_category_list"].max() <= 50
    assert (length["tag_category_list"] == 0).any()
    assert train["tag_category_list"].nunique() > SIZES.users


def test_item_table_has_every_item_weighted_by_clicks(folder: Path, train: pd.DataFrame) -> None:
    table = read_item_table(folder / "items.txt", [InputField(name, "STRING", b"") for name in AD])
    assert len(table) == SIZES.items
    clicks = train[train["clk"] == "1"]["adgroup_id"].value_counts()
    expected = (1 + clicks.reindex(table.ids).fillna(0).to_numpy()) ** 0.75
    np.testing.assert_allclose(table.weights, expected, rtol=1e-5)
    attributes = pd.DataFrame(table.attributes).set_index("adgroup_id")
    seen = train.drop_duplicates("adgroup_id").set_index("adgroup_id")
    pd.testing.assert_frame_equal(attributes.loc[seen.index], seen[list(AD[1:])], check_dtype=False)


def test_same_seed_same_bytes(folder: Path, tmp_path: Path) -> None:
    make(tmp_path, SIZES, seed=3)
    for file in sorted(folder.iterdir()):
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()
    make(tmp_path, SIZES, seed=4)
    assert (tmp_path / "train.csv").read_bytes() != (folder / "train.csv").read_bytes()


def test_taste_tells_much_more_than_popularity(
    tmp_path: Path, train: pd.DataFrame, test: pd.DataFrame
) -> None:
    """By the probabilities of the clicks, and by what the files alone tell of a taste."""
    best, popularity = map(float, re.findall(r"(0\.\d+) of", make(tmp_path, SIZES, seed=3)))
    labels = (test["clk"] == "1").to_numpy()
    clicks = train[train["clk"] == "1"]["adgroup_id"].value_counts()
    counts = clicks.reindex(test["adgroup_id"]).fillna(0).to_numpy()
    assert auc(counts, labels) == pytest.approx(popularity, abs=6e-4)
    assert best > 0.8
    assert best > popularity + 0.1
    pairs = zip(train["cate_id"], train["tag_category_list"], strict=True)
    matched = np.array([cate in tags.split("|") for cate, tags in pairs])
    clicked = (train["clk"] == "1").to_numpy()
    assert clicked[matched].mean() > 1.5 * clicked[~matched].mean()


def test_auc_counts_ties_half() -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(5, size=60), rng.random(60) < 0.4
    better = scores[labels][:, None] - scores[~labels][None]
    assert auc(scores, labels) == pytest.approx(((better > 0) + 0.5 * (better == 0)).mean())
    assert np.isnan(auc(scores, labels | True))


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        (Sizes(0, 1, 10, 10), "--rows is 0"),
        (Sizes(10, -1, 100, 100), "--eval_rows is -1"),
        (Sizes(1000, 100, 10, 10), "a tenth of the 100 pairs"),
    ],
)
def test_sizes_that_cannot_be(tmp_path: Path, sizes: Sizes, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make(tmp_path, sizes, seed=0)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "data"
    flags = ["taobao-synthetic", "--out", str(out), "--rows", "300"]
    assert commands.run(datasets, flags) == 0
    printed = capsys.readouterr().out
    assert "train.csv 300 rows" in printed
    assert f"written to {out}" in printed
    assert len(rows(out / "test.csv")) == 30
    before = (out / "train.csv").read_bytes()
    assert commands.run(datasets, [*flags, "--seed", "2"]) == 2
    assert "not empty" in capsys.readouterr().err
    assert (out / "train.csv").read_bytes() == before
    assert commands.run(datasets, [*flags, "--seed", "2", "--overwrite"]) == 0
    assert (out / "train.csv").read_bytes() != before
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_command_leaves_nothing_after_an_error(tmp_path: Path) -> None:
    flags = ["--rows", "50000", "--users", "10"]
    assert commands.run(datasets, ["taobao-synthetic", "--out", tmp_path / "data", *flags]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["taobao-synthetik", "--out", "x"], "taobao-synthetik"),
        (["taobao-synthetic"], "--out"),
        (["taobao-synthetic", "--out", "x", "--row", "3"], "unknown flag --row"),
        (["taobao-synthetic", "--out", "x", "--rows", "many"], "many"),
    ],
)
def test_bad_flags(
    flags: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert commands.run(datasets, flags) == 2
    assert words in capsys.readouterr().err
