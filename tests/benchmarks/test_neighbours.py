"""The ranks that `benchmarks.neighbours` counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.neighbours import clicks, ranked
from easyrec_lite.datasets.taobao_layout import COLUMNS

VECTORS = np.array([[1, 0], [0.8, 0.6], [0, 1], [-1, 0]], np.float32)


def test_ranks_by_the_last_click_by_all_and_by_popularity() -> None:
    train = [("a", 2), ("b", 3), ("a", 0), ("c", 3), ("c", 3)]
    # d has no training click; b's next click is the same item again.
    test = [("a", 1), ("a", 3), ("b", 3), ("d", 1)]
    found = ranked(VECTORS, train, test)
    assert {name: ranks.tolist() for name, ranks in found.items()} == {
        "the last click": [0, 2],
        # By (0.5, 0.5): item 1, then 2, and 3 below.
        "the mean of all clicks": [0, 2],
        # Item 3 has three clicks, 2 and 0 one; the last click, 0, is left out.
        "popularity": [2, 0],
    }


def test_items_of_equal_score_come_before(tmp_path: Path) -> None:
    found = ranked(np.ones([5, 2], np.float32), [("a", 0)], [("a", 3)])
    assert [ranks.tolist() for ranks in found.values()] == [[3], [3], [3]]


def test_clicks_are_read_in_order(tmp_path: Path) -> None:
    lines = []
    for user, item in (("u2", "9"), ("u1", "7")):
        cells = dict.fromkeys(COLUMNS, "") | {"user_id": user, "adgroup_id": item}
        lines.append(",".join(cells.values()))
    (tmp_path / "train_clicked.csv").write_text("\n".join(lines) + "\n")
    assert clicks(tmp_path / "train_clicked.csv", {"7": 0, "9": 1}) == [("u2", 1), ("u1", 0)]
