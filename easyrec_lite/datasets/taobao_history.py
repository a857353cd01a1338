"""The behaviours of users of Taobao's ad data before a row, which its tags come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.core import filesystem as fs
from easyrec_lite.datasets.rows import join_tags, latest_first
from easyrec_lite.datasets.tables import read_chunks
from easyrec_lite.datasets.taobao_layout import MAX_TAGS

COLUMNS = dict.fromkeys(("user", "time_stamp", "cate", "brand"), pa.int32())
UNKNOWN = -1


@dataclass(frozen=True)
class UserBehaviours:
    """H behaviours (views, clicks, purchases), sorted by user and time.

    Attributes:
      moment: int64 [H], user · 2³² + time.
      category: int32 [H], `UNKNOWN` for none.
      brand: int32 [H], `UNKNOWN` for none.
    """

    moment: np.ndarray
    category: np.ndarray
    brand: np.ndarray

    def tags(self, user: np.ndarray, time: np.ndarray) -> dict[str, pa.Array]:
        """Returns the two tag columns [R] of rows of `user` at second `time`, int [R] each.

        They contain the `MAX_TAGS` latest behaviours in earlier seconds, the latest first.
        """
        end = np.searchsorted(self.moment, _moment(user, time))
        first = np.searchsorted(self.moment, _moment(user, np.zeros_like(time)))
        begin = np.maximum(first, end - MAX_TAGS)
        seen = latest_first(begin, end)
        return {
            "tag_category_list": join_tags(text_or_null(self.category[seen]), end - begin),
            "tag_brand_list": join_tags(text_or_null(self.brand[seen]), end - begin),
        }


def text_or_null(ids: np.ndarray) -> pa.Array:
    """Returns ids as text, `UNKNOWN` as NULL."""
    return pc.if_else(pa.array(ids == UNKNOWN), "NULL", pa.array(ids).cast(pa.string()))


def sorted_behaviours(
    user: np.ndarray, time: np.ndarray, category: np.ndarray, brand: np.ndarray
) -> UserBehaviours:
    """Returns behaviours that are given in any order, int32 [H] each."""
    moment = _moment(user, time)
    order = np.argsort(moment, kind="stable")
    return UserBehaviours(moment[order], category[order], brand[order])


def behaviours_of_log(log: Path, folder: Path, bytes_a_part: int) -> Iterator[UserBehaviours]:
    """Yields the behaviours of a log in parts: part p of P has the users whose id mod P is p.

    Args:
      log: user,time_stamp,btag,cate,brand.
      folder: where temporary files go.
      bytes_a_part: the bytes of the log in a part, about; limits the memory.

    Raises:
      DataError: the log cannot be read.
    """
    with fs.temporary_folder(folder) as aside:
        files = [aside / str(part) for part in range(parts_of(log, bytes_a_part))]
        _split(log, files)
        for file in files:
            cells = np.frombuffer(fs.read_bytes(file) if fs.exists(file) else b"", np.int32)
            yield sorted_behaviours(*cells.reshape(-1, len(COLUMNS)).T)


def parts_of(log: Path | None, bytes_a_part: int) -> int:
    """Returns the number of parts in which a log is processed."""
    return 1 + fs.size(log) // bytes_a_part if log and fs.is_file(log) else 1


def _split(log: Path, files: Sequence[Path]) -> None:
    for batch in read_chunks(log, COLUMNS):
        cells = np.stack([column.fill_null(UNKNOWN).to_numpy() for column in batch.columns], axis=1)
        part = cells[:, 0] % len(files)
        for number in np.unique(part):
            with fs.open_binary(files[number], "ab") as file:
                file.write(cells[part == number].tobytes())


def _moment(user: np.ndarray, time: np.ndarray) -> np.ndarray:
    return (user.astype(np.int64) << 32) + time
