from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from easyrec_lite.core.errors import DataError
from easyrec_lite.datasets import __main__ as datasets
from easyrec_lite.datasets.taobao import make, read
from tests import commands

MIDNIGHT = 1494604800  # 13 May 2017 begins in Beijing
PROFILE = (
    "userid,cms_segid,cms_group_id,final_gender_code,age_level,pvalue_level,shopping_level,"
    "occupation,new_user_class_level \n"
)


def write_files(folder: Path, **texts: str) -> list[Path]:
    """Writes small files of the public data's shape; `texts` replaces some of them."""
    before = MIDNIGHT - 1000
    given = {
        "raw_sample": "user,time_stamp,adgroup_id,pid,nonclk,clk\n"
        f"1,{before + 20},12,430548_1007,1,0\n"
        f"1,{before},10,430548_1007,0,1\n"
        f"1,{before + 10},11,430539_1007,0,1\n"
        f"1,{before + 10},99,430539_1007,1,0\n"
        f"2,{MIDNIGHT - 1},11,430539_1007,1,0\n"
        f"1,{MIDNIGHT},12,430548_1007,0,1\n",
        "ad_feature": "adgroup_id,cate_id,campaign_id,customer,brand,price\n"
        "10,5,6,7,8,1.5\n11,55,66,77,NULL,20.0\n12,5,61,71,8,300\n",
        "user_profile": PROFILE + "1,66,7,1,3,,2,0,\n",
        "behavior_log": f"user,time_stamp,btag,cate,brand\n1,{before - 5},pv,3,4\n"
        f"1,{before - 9},buy,33,44\n2,{before},pv,1,\n1,{MIDNIGHT},cart,9,9\n7,5,fav,1,1\n",
        **texts,
    }
    paths = [folder / f"{name}.csv" for name in given]
    for path, text in zip(paths, given.values(), strict=True):
        path.write_text(text)
    return paths


def rows(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_rows_are_joined_and_split_by_day(tmp_path: Path) -> None:
    raw, ads, users, _ = write_files(tmp_path)
    make(tmp_path, read(raw, ads, users))
    assert rows(tmp_path / "train.csv") == [
        "1,0,430548_1007,10,5,6,7,8,1,66,7,1,3,,2,0,,,,0",
        "1,0,430539_1007,11,55,66,77,NULL,1,66,7,1,3,,2,0,,5,8,24",
        "0,0,430539_1007,,,,,,1,66,7,1,3,,2,0,,5,8,",
        "0,0,430548_1007,12,5,61,71,8,1,66,7,1,3,,2,0,,55|5,NULL|8,49",
        "0,0,430539_1007,11,55,66,77,NULL,2,,,,,,,,,,,24",
    ]
    assert rows(tmp_path / "test.csv") == [
        "1,0,430548_1007,12,5,61,71,8,1,66,7,1,3,,2,0,,55|5,NULL|8,49"
    ]
    assert rows(tmp_path / "train_clicked.csv") == rows(tmp_path / "train.csv")[:2]
    assert rows(tmp_path / "test_clicked.csv") == rows(tmp_path / "test.csv")


def test_item_table_counts_clicks_of_the_training_days(tmp_path: Path) -> None:
    raw, ads, users, _ = write_files(tmp_path)
    make(tmp_path, read(raw, ads, users))
    weight = f"{2**0.75:.6g}"
    assert rows(tmp_path / "items.txt")[1:] == [
        f"10\t{weight}\t10:5:6:7:8",
        f"11\t{weight}\t11:55:66:77:NULL",
        "12\t1\t12:5:61:71:8",
    ]


@pytest.mark.parametrize("bytes_a_part", [10**9, 30])
def test_tags_out_of_the_behaviour_log(tmp_path: Path, bytes_a_part: int) -> None:
    raw, ads, users, log = write_files(tmp_path)
    make(tmp_path, read(raw, ads, users), log, bytes_a_part)
    cells = [line.split(",") for line in rows(tmp_path / "train.csv")]
    tags = [[row[8], row[17], row[18]] for row in cells]
    assert sorted(tags) == [["1", "3|33", "4|44"]] * 4 + [["2", "1", "NULL"]]
    (test,) = rows(tmp_path / "test.csv")
    assert ",3|33,4|44," in test  # what happens in the same second is not earlier
    names = {"train.csv", "test.csv", "train_clicked.csv", "test_clicked.csv", "items.txt"}
    assert {path.name for path in tmp_path.iterdir()} - names == {
        path.name for path in (raw, ads, users, log)
    }


def test_tags_are_the_fifty_latest_for_each_user(tmp_path: Path) -> None:
    """Against a plain loop, with many users, many dealings and ties."""
    rng, start = np.random.default_rng(0), MIDNIGHT - 200
    log = rng.integers([1, start, 1, 1], [5, start + 300, 90, 90], size=(600, 4))
    events = rng.integers([1, start], [7, start + 300], size=(80, 2))
    dealings = [f"{user},{time},pv,{cate},{brand}" for user, time, cate, brand in log]
    shown = [f"{user},{time},10,{number},1,0" for number, (user, time) in enumerate(events)]
    paths = write_files(
        tmp_path,
        behavior_log="\n".join(["user,time_stamp,btag,cate,brand", *dealings]),
        raw_sample="\n".join(["user,time_stamp,adgroup_id,pid,nonclk,clk", *shown]),
    )
    make(tmp_path, read(*paths[:3]), paths[3], bytes_a_part=3000)
    made = [
        line.split(",") for name in ("train", "test") for line in rows(tmp_path / f"{name}.csv")
    ]
    assert len(made) == len(events)
    for cells in made:
        user, time = events[int(cells[2])]
        past = [entry for entry in log.tolist() if entry[0] == user and entry[1] < time]
        latest = sorted(past, key=lambda entry: entry[1])[::-1][:50]  # stable: the file's order
        assert cells[17] == "|".join(str(entry[2]) for entry in latest)
        assert cells[18] == "|".join(str(entry[3]) for entry in latest)


def test_prices_fall_into_fifty_buckets_of_as_many(tmp_path: Path) -> None:
    header = "adgroup_id,cate_id,campaign_id,customer,brand,price\n"
    table = header + "".join(f"{i},1,1,1,1,{i * i}.5\n" for i in range(1000))
    raw, ads, users, _ = write_files(tmp_path, ad_feature=table)
    price = read(raw, ads, users).ads["price"].to_numpy()
    assert np.bincount(price).tolist() == [20] * 50
    assert (np.diff(price) >= 0).all()


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = write_files(tmp_path)
    flags = [part for path in paths for part in (f"--{path.stem}", str(path))]
    assert commands.run(datasets, ["taobao", *flags, "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "train.csv 5 rows, 2 clicked; test.csv 1 rows, 1 clicked" in printed
    assert "1 rows name an ad" in printed
    assert "3|33" in (tmp_path / "out" / "train.csv").read_text()


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"raw_sample": "user,time,adgroup_id,pid,nonclk,clk\n"}, "'time_stamp'"),
        ({"raw_sample": "user,time_stamp,adgroup_id,pid,nonclk,clk\n"}, "no row"),
        ({"raw_sample": "user,time_stamp,adgroup_id,pid,nonclk,clk\n1,2,x,4,5,0\n"}, "'x'"),
        ({"raw_sample": "user,time_stamp,adgroup_id,pid,nonclk,clk\n1,2,,4,5,0\n"}, "csv:2.*empty"),
        ({"raw_sample": "user,time_stamp,adgroup_id,pid,nonclk,clk\n1,2,3,4,5,0\n"}, "one day"),
        ({"raw_sample": ""}, "header lacks"),
        ({"user_profile": PROFILE + "1,2\n"}, "user_profile.csv"),
    ],
)
def test_bad_files(tmp_path: Path, texts: dict[str, str], words: str) -> None:
    raw, ads, users, _ = write_files(tmp_path, **texts)
    with pytest.raises(DataError, match=words):
        make(tmp_path, read(raw, ads, users))


def test_missing_files(tmp_path: Path) -> None:
    raw, ads, users, log = write_files(tmp_path)
    log.unlink()
    with pytest.raises(DataError, match="behavior_log"):
        make(tmp_path, read(raw, ads, users), log)
    with pytest.raises(DataError, match="nowhere"):
        read(raw, tmp_path / "nowhere.csv", users)
