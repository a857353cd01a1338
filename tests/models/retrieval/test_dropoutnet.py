"""DropoutNet: what is dropped, what is drawn, and which configs are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite import check_config
from easyrec_lite.models.retrieval.dropoutnet.model import ShiftDraws
from easyrec_lite.models.retrieval.dropoutnet.tower import RowDropout
from tests.e2e import tastes
from tests.e2e.test_dropoutnet import MODEL


def problems(folder: Path, edits: dict[str, Any]) -> list[Any]:
    config = tastes.config_file(folder, MODEL)
    return [each for each in check_config(config, edits) if each.severity == "error"]


def test_rows_are_dropped_whole_in_training_alone() -> None:
    layer = RowDropout(0.25, 7, "drop")
    ones = tf.ones([400, 3])
    dropped = layer(ones, training=True).numpy()
    kept = dropped[:, 0] > 0
    assert 0.65 < kept.mean() < 0.85
    np.testing.assert_allclose(dropped, np.where(kept[:, None], 1 / 0.75, 0) * np.ones(3))
    np.testing.assert_array_equal(layer(ones, training=False), ones)
    assert np.any((layer(ones, training=True).numpy()[:, 0] > 0) != kept)


def test_an_evaluation_draws_the_same_negatives_and_never_the_row_itself() -> None:
    draws = ShiftDraws(50, 3, "shifts")
    first, second = (draws(tf.constant(4), training=False).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)
    trained = draws(tf.constant(4), training=True).numpy()
    assert set(first) | set(trained) == {1, 2, 3}
    assert np.any(trained != draws(tf.constant(4), training=True).numpy())


@pytest.mark.parametrize(
    ("edits", "names"),
    [
        ({"model_config.losses": []}, ["loss"]),
        ({"model_config.dropoutnet.item_dropout_rate": 1.0}, ["item_dropout_rate"]),
        ({"model_config.dropoutnet.item_tower.hidden_units": [16, 4]}, ["item_tower", "8", "4"]),
        ({"model_config.dropoutnet.user_content.hidden_units": [16, 0]}, ["user_content"]),
        ({"model_config.dropoutnet.softmax_loss": None}, ["softmax_loss"]),
        ({"model_config.feature_groups": []}, ["user_content", "user_preference"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_config_that_cannot_be_is_refused(
    tmp_path: Path, edits: dict[str, Any], names: list[str]
) -> None:
    found = problems(tmp_path, edits)
    assert found
    text = " ".join(f"{each.message} {each.expected} {each.found}" for each in found)
    assert all(name in text for name in names)
    assert all(each.remedy or each.expected for each in found)
