"""The files of a data set with Taobao's 20 columns, as EasyRec's configs read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.data.tables.item_table_writer import write_item_table
from easyrec_lite.datasets.rows import RowWriter

AD = ("adgroup_id", "cate_id", "campaign_id", "customer", "brand")
PROFILE = (
    *("cms_segid", "cms_group_id", "final_gender_code", "age_level"),
    *("pvalue_level", "shopping_level", "occupation", "new_user_class_level"),
)
TAGS = ("tag_category_list", "tag_brand_list")
COLUMNS = ("clk", "buy", "pid", *AD, "user_id", *PROFILE, *TAGS, "price")
PRICE_BUCKETS = 50
MAX_TAGS = 50


class EventWriter:
    """Appends rows to `NAME.csv`, and those with a click also to `NAME_clicked.csv`.

    Listwise training needs positives only. Both files have the 20 columns and no header.

    Args:
      folder: where the files go.
      name: `train` or `test`.
    """

    def __init__(self, folder: Path, name: str):
        self._name = name
        self._all = RowWriter(folder / f"{name}.csv", COLUMNS)
        self._clicked = RowWriter(folder / f"{name}_clicked.csv", COLUMNS)

    def write(self, rows: pa.Table) -> None:
        """Appends `rows`, which have the 20 columns in any order, and 0 or 1 as `clk`."""
        self._all.write(rows)
        self._clicked.write(rows.filter(pc.equal(rows["clk"], 1)))

    def __str__(self) -> str:
        return f"{self._name}.csv {self._all.rows} rows, {self._clicked.rows} clicked"

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in (self._all, self._clicked):
            writer.__exit__()


def write_ads(path: Path, ads: pa.Table, clicks: np.ndarray, power: float = 0.75) -> None:
    """Writes the item table of `ads`, with weight (1 + clicks in training) ** power.

    Args:
      path: the file to write.
      ads: M rows with the columns of `AD`.
      clicks: int64 [M].
      power: below 1 it weakens the popularity.
    """
    columns = [ads[name].cast(pa.string()).fill_null("").combine_chunks() for name in AD]
    write_item_table(path, columns[0], (1.0 + clicks) ** power, columns)
