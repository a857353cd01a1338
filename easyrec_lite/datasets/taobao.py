"""Rows from the public Ali_Display_Ad_Click files, joined to the 20 columns that configs read.

The last day (Beijing time) is the test set. The tags of a row are the categories and brands of up
to 50 behaviours of its user in earlier seconds, the latest first: those of the behaviour log or,
without it, the user's earlier clicks on ads. `buy` is 0 in all rows, since the public files do not
say which impression led to a purchase. Prices are divided into 50 buckets of about equally many
ads.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.datasets.tables import read_table
from easyrec_lite.datasets.taobao_history import (
    UNKNOWN,
    UserBehaviours,
    behaviours_of_log,
    parts_of,
    sorted_behaviours,
    text_or_null,
)
from easyrec_lite.datasets.taobao_layout import AD, PRICE_BUCKETS, PROFILE, EventWriter, write_ads

ID = pa.int32()
RAW_SAMPLE = {"user": ID, "time_stamp": ID, "adgroup_id": ID, "pid": pa.string(), "clk": ID}
AD_FEATURE = {**dict.fromkeys(AD, ID), "price": pa.float64()}
USER_PROFILE = {"userid": ID, **dict.fromkeys(PROFILE, ID)}
BEIJING = 8 * 3600
DAY = 24 * 3600
CHUNK = 200_000
BYTES_A_PART = 512 * 2**20


@dataclass(frozen=True)
class Sources:
    """The downloaded tables.

    Attributes:
      pid: text [R], the position of each impression.
      user: int32 [R].
      time: int32 [R], seconds.
      clicked: bool [R].
      ad: int64 [R], the row in `ads`; `UNKNOWN` where the table lacks the ad.
      ads: the columns `AD`, and `price`, the bucket.
      profiles: `userid` and the columns of `PROFILE`.
    """

    pid: pa.Array
    user: np.ndarray
    time: np.ndarray
    clicked: np.ndarray
    ad: np.ndarray
    ads: pa.Table
    profiles: pa.Table

    def clicks(self, rows: np.ndarray) -> np.ndarray:
        """Returns int64 [M], the number of clicks on each ad in `rows`, bool [R]."""
        chosen = self.ad[rows & self.clicked & (self.ad != UNKNOWN)]
        return np.bincount(chosen, minlength=self.ads.num_rows)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this data set's flags."""
    for name in ("raw_sample", "ad_feature", "user_profile"):
        parser.add_argument(f"--{name}", required=True, type=Path, metavar="CSV")
    parser.add_argument(
        "--behavior_log", type=Path, metavar="CSV", help="for the tags (default: earlier clicks)"
    )


def run(flags: argparse.Namespace, folder: Path) -> str:
    """Makes the data set in `folder` as the flags say; see `make`."""
    sources = read(flags.raw_sample, flags.ad_feature, flags.user_profile)
    return make(folder, sources, flags.behavior_log)


def make(
    folder: Path, sources: Sources, log: Path | None = None, bytes_a_part: int = BYTES_A_PART
) -> str:
    """Writes `train.csv`, `test.csv`, their clicked rows, and `items.txt` into `folder`.

    Args:
      folder: where the files go.
      sources: impressions, ads and user profiles.
      log: the behaviours, user,time_stamp,btag,cate,brand; None takes earlier clicks for the tags.
      bytes_a_part: the log is processed in parts of about this many bytes, each of some users; the
        rows of a part are in the order of time.

    Returns:
      A summary.

    Raises:
      DataError: the log cannot be read, or all impressions are of one day.
    """
    day = (sources.time.astype(np.int64) + BEIJING) // DAY
    if day.min() == day.max():
        message = "all impressions are of one day, so there is no last day to test on"
        raise DataError(Problem(message, Place("raw_sample"), "time_stamp"))
    is_test = day == day.max()
    parts = parts_of(log, bytes_a_part)
    past = behaviours_of_log(log, folder, bytes_a_part) if log else _earlier_clicks(sources)
    with ExitStack() as stack:
        train, test = (stack.enter_context(EventWriter(folder, name)) for name in ("train", "test"))
        for part, behaviours in enumerate(past):
            rows = np.flatnonzero(sources.user % parts == part)
            rows = rows[np.argsort(sources.time[rows], kind="stable")]
            _write(train, sources, behaviours, rows[~is_test[rows]])
            _write(test, sources, behaviours, rows[is_test[rows]])
    write_ads(folder / "items.txt", sources.ads, sources.clicks(~is_test))
    lines = [f"{train}; {test} (the last day)", f"{sources.ads.num_rows} ads in items.txt"]
    unknown = int((sources.ad == UNKNOWN).sum())
    if unknown:
        lines.append(f"{unknown} rows name an ad that ad_feature lacks; its columns are empty")
    return "\n".join(lines)


def read(raw_sample: Path, ad_feature: Path, user_profile: Path) -> Sources:
    """Reads the downloaded tables.

    Args:
      raw_sample: the impressions, user,time_stamp,adgroup_id,pid,nonclk,clk.
      ad_feature: adgroup_id,cate_id,campaign_id,customer,brand,price.
      user_profile: userid,cms_segid, … new_user_class_level.

    Raises:
      DataError: a file is missing, lacks columns, or has bad cells.
    """
    ads, profiles = _read_ads(ad_feature), read_table(user_profile, USER_PROFILE)
    events = read_table(raw_sample, RAW_SAMPLE)
    _refuse_nulls(raw_sample, events, ("user", "time_stamp", "adgroup_id", "clk"))
    return Sources(
        events["pid"].combine_chunks(),
        events["user"].to_numpy(),
        events["time_stamp"].to_numpy(),
        events["clk"].to_numpy() > 0,
        _rows_of(events["adgroup_id"], ads["adgroup_id"]),
        ads,
        profiles,
    )


def _read_ads(path: Path) -> pa.Table:
    ads = read_table(path, AD_FEATURE)
    _refuse_nulls(path, ads, ("adgroup_id",))
    price = ads["price"].fill_null(0).to_numpy()
    cuts = np.quantile(price, np.arange(1, PRICE_BUCKETS) / PRICE_BUCKETS)
    brand = text_or_null(_filled(ads["brand"]))
    bucket = pa.array(np.searchsorted(cuts, price))
    return pa.table({**{name: ads[name] for name in AD}, "brand": brand, "price": bucket})


def _refuse_nulls(path: Path, table: pa.Table, columns: tuple[str, ...]) -> None:
    problems = [
        Problem(
            "an empty cell",
            Place(str(path), 2 + pc.index(pc.is_null(table[name]), True).as_py()),
            name,
        )
        for name in columns
        if table[name].null_count
    ]
    if problems:
        raise DataError(problems)


def _filled(cells: pa.ChunkedArray) -> np.ndarray:
    return cells.fill_null(UNKNOWN).to_numpy()


def _rows_of(ids: pa.ChunkedArray, known: pa.ChunkedArray) -> np.ndarray:
    """Returns int64 [R], the row in `known` of each id, `UNKNOWN` for an absent one."""
    return _filled(pc.index_in(ids, known.combine_chunks())).astype(np.int64)


def _earlier_clicks(sources: Sources) -> Iterator[UserBehaviours]:
    clicked = sources.clicked & (sources.ad != UNKNOWN)
    ads = sources.ads.take(sources.ad[clicked])
    brand = pc.if_else(pc.equal(ads["brand"], "NULL"), None, ads["brand"]).cast(pa.int32())
    category = _filled(ads["cate_id"])
    yield sorted_behaviours(sources.user[clicked], sources.time[clicked], category, _filled(brand))


def _write(writer: EventWriter, sources: Sources, past: UserBehaviours, rows: np.ndarray) -> None:
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        user, ad = sources.user[part], sources.ad[part]
        ads = sources.ads.take(pa.array(ad, mask=ad == UNKNOWN))
        profile = _rows_of(pa.chunked_array([user]), sources.profiles["userid"])
        profiles = sources.profiles.take(pa.array(profile, mask=profile == UNKNOWN))
        columns = {
            "clk": pa.array(sources.clicked[part].astype(np.int8)),
            "buy": pa.array(np.zeros(len(part), np.int8)),
            "pid": sources.pid.take(part),
            "user_id": pa.array(user),
            **{name: ads[name] for name in (*AD, "price")},
            **{name: profiles[name] for name in PROFILE},
            **past.tags(user, sources.time[part]),
        }
        writer.write(pa.table(columns))
