"""The shipped configs learn: against chance, and against ranking by popularity alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from easyrec_lite.runs.estimator import Estimator
from tests.e2e.conftest import Trained
from tests.e2e.ranking import (
    Towers,
    auc,
    exported,
    model_ranks,
    popularity_ranks,
    recall,
    stored,
)
from tests.e2e.running import DAT, PARALLEL, POINTWISE, SavedModel, pipeline, read_rows

# `python -m benchmarks.seeds` trains the configs whole, with more seeds.
SHORT = {
    DAT: {"train_config__num_steps": 150, "data_config__negative_sampler__num_sample": 512},
    PARALLEL: {
        "train_config__num_steps": 160,
        "data_config__batch_size": 256,
        "data_config__negative_sampler__num_sample": 256,
    },
}


def assert_the_clicked_item_ranks_high(towers: Towers, data: Path) -> None:
    """Among all items."""
    clicked, items = data / "test_clicked.csv", data / "items.txt"
    popular = popularity_ranks(data / "train_clicked.csv", clicked, items)
    ranks = model_ranks(towers, clicked, items)
    chance = 50 / (len(items.read_text().splitlines()) - 1)
    assert recall(ranks, 50) > 1.3 * recall(popular, 50)
    assert recall(ranks, 50) > 12 * chance
    assert recall(ranks, 10) > 1.05 * recall(popular, 10)
    assert np.median(ranks) < 0.6 * np.median(popular)


def test_the_export_of_a_command_ranks_the_clicked_item_high(
    listwise: Trained, synthetic: Path
) -> None:
    assert_the_clicked_item_ranks_high(exported(listwise.export), synthetic)


@pytest.mark.parametrize("name", SHORT)
def test_a_checkpoint_ranks_the_clicked_item_high(
    name: str, synthetic: Path, tmp_path: Path
) -> None:
    config = pipeline(name, synthetic, tmp_path, train_config__seed=1, **SHORT[name])
    checkpoint = Estimator(config).train().checkpoint
    assert checkpoint is not None
    assert_the_clicked_item_ranks_high(stored(config, checkpoint), synthetic)


def test_a_click_is_told_from_no_click(synthetic: Path, tmp_path: Path) -> None:
    steps = {"train_config__num_steps": 400, "train_config__save_checkpoints_steps": 1000}
    config = pipeline(POINTWISE, synthetic, tmp_path, train_config__seed=1, **steps)
    result = Estimator(config).train_and_evaluate()
    assert result.export is not None
    rows = read_rows(synthetic / "test.csv")
    labels = rows["clk"].astype(int)
    found = auc(SavedModel(result.export / "scorer")(rows)["probs"], labels)
    seen = read_rows(synthetic / "train.csv")
    clicks = Counter(seen["adgroup_id"][seen["clk"] == "1"].tolist())
    popular = np.array([clicks[item] for item in rows["adgroup_id"].tolist()])
    assert found > auc(popular, labels) + 0.02
    assert found > 0.75
    assert result.metrics["auc"] == pytest.approx(found, abs=0.01)
