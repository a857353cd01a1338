"""The shipped configs learn: against chance, and against ranking by popularity alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.conftest import Trained
from tests.e2e.ranking import auc, model_ranks, popularity_ranks, recall
from tests.e2e.running import DAT, LISTWISE, PARALLEL, SavedModel, read_rows

# `python -m benchmarks.seeds` trains the configs whole, with more seeds.
CONFIGS = (LISTWISE, DAT, PARALLEL)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_clicked_item_ranks_high_among_all_items(
    name: str, trained: Callable[..., Trained], synthetic: Path
) -> None:
    clicked, items = synthetic / "test_clicked.csv", synthetic / "items.txt"
    popular = popularity_ranks(synthetic / "train_clicked.csv", clicked, items)
    ranks = model_ranks(trained(name, 1).export, clicked, items)
    chance = 50 / (len(items.read_text().splitlines()) - 1)
    assert recall(ranks, 50) > 1.3 * recall(popular, 50)
    assert recall(ranks, 50) > 12 * chance
    assert recall(ranks, 10) > 1.05 * recall(popular, 10)
    assert np.median(ranks) < 0.6 * np.median(popular)


def test_a_click_is_told_from_no_click(pointwise: Trained, synthetic: Path) -> None:
    rows = read_rows(synthetic / "test.csv")
    labels = rows["clk"].astype(int)
    found = auc(SavedModel(pointwise.export / "scorer")(rows)["probs"], labels)
    seen = read_rows(synthetic / "train.csv")
    clicks = Counter(seen["adgroup_id"][seen["clk"] == "1"].tolist())
    popular = np.array([clicks[item] for item in rows["adgroup_id"].tolist()])
    assert found > auc(popular, labels) + 0.02
    assert found > 0.75
    assert pointwise.result["auc"] == pytest.approx(found, abs=0.01)
