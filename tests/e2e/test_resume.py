"""A run that stops and goes on ends with the same losses and weights, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from easyrec_lite.checks.check import load_config
from easyrec_lite.config import Pipeline
from easyrec_lite.runs.estimator import Estimator, Hook
from tests.e2e.resuming import Recorder, assert_equal_checkpoints, assert_goes_on
from tests.e2e.running import (
    DAT,
    LISTWISE,
    PARALLEL,
    POINTWISE,
    SENET_BACKBONE,
    edits,
    few_features,
)

DROPOUT = {
    f"model_config.dssm_senet.{side}_tower.dnn.{field}": value
    for side in ("user", "item")
    for field, value in (("dropout_ratio", [0.3]), ("use_bn", True))
}
# Small tables; rows that 60 steps read more than once; dropout, batch norm, shuffle, negatives.
SETTINGS: dict[str, dict[str, Any]] = {
    name: {
        "feature_config.features[hash_bucket_size>500].hash_bucket_size": 500,
        "train_config.num_steps": 60,
        "train_config.save_checkpoints_steps": 30,
        "train_config.log_step_count_steps": 5,
        "data_config.batch_size": batch_size,
        **few_features(),
        **DROPOUT,
    }
    for name, batch_size in ((LISTWISE, 40), (POINTWISE, 250))
}
# Listwise rows come out of a cache, once their first epoch has been kept: whether a run finds one,
# keeps it, or goes on amid an epoch without, the numbers are the same.
SETTINGS[POINTWISE]["data_config.cache.mode"] = "OFF"
SETTINGS[LISTWISE]["data_config.negative_sampler.num_sample"] = 50
# Corrections with state of their own: streaming frequencies and a learnt temperature.
SETTINGS[LISTWISE] |= {
    "model_config.softmax.logq": "STREAMING",
    "model_config.softmax.mask_false_negatives": True,
    "model_config.softmax.hardest_negatives": 30,
    "model_config.softmax.learn_temperature": True,
}
SMALL = {
    "feature_config.features[hash_bucket_size>500].hash_bucket_size": 500,
    "data_config.negative_sampler.num_sample": 20,
    "data_config.batch_size": 30,
    "train_config.num_steps": 20,
    "train_config.save_checkpoints_steps": 10,
    "train_config.log_step_count_steps": 5,
}
# The groups of the users and of the items; the configs of DSSM + SENet have settings above.
GROUPS = {SENET_BACKBONE: ("0", "1"), PARALLEL: ("0:4", "4:8"), DAT: ("0", "1")}
SETTINGS[POINTWISE]["model_config.dssm_senet.user_tower.dnn.dropout_ratio"] = [0.3, 0.2, 0.1]
SETTINGS[POINTWISE]["model_config.dssm_senet.item_tower.dnn.dropout_ratio"] = [0.3, 0.2, 0.1]


def changes_of(name: str, synthetic: Path, folder: Path, **more: Any) -> dict[str, Any]:
    """Trains on the test rows, which are few enough to be read several times in 60 steps."""
    changes = {**edits(name, synthetic, folder, **more), **SETTINGS[name]}
    changes["train_input_path"] = changes["eval_input_path"]
    changes.setdefault("data_config.cache.folder", str(folder / "kept"))
    return changes


def train(name: str, changes: Mapping[str, Any], *hooks: Hook) -> str | None:
    return Estimator(load_config(name, changes), hooks).train().checkpoint


@pytest.fixture(scope="module")
def whole(synthetic: Path, tmp_path_factory: Any) -> tuple[Recorder, str | None]:
    """Recorder and final checkpoint of 60 steps of the listwise config in one go."""
    recorder = Recorder()
    changes = changes_of(LISTWISE, synthetic, tmp_path_factory.mktemp("whole"))
    return recorder, train(LISTWISE, changes, recorder)


def test_a_stop_and_an_interrupt_change_nothing(
    whole: Any, synthetic: Path, tmp_path: Path
) -> None:
    """After 20 steps nothing is saved yet; 30 are a run of their own; after 45 it is at step 30."""
    expected, checkpoint = whole
    changes = changes_of(LISTWISE, synthetic, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(LISTWISE, changes, Recorder(20))
    first, lost, second = Recorder(), Recorder(45), Recorder()
    train(LISTWISE, {**changes, "train_config.num_steps": 30}, first)
    with pytest.raises(KeyboardInterrupt):
        train(LISTWISE, changes, lost)
    found = train(LISTWISE, changes, second)
    assert sorted(first.values) == [5, 10, 15, 20, 25, 30]
    assert sorted(lost.values) == [35, 40, 45]
    assert sorted(second.values) == [35, 40, 45, 50, 55, 60]
    assert {**first.values, **lost.values} == {s: expected.values[s] for s in range(5, 46, 5)}
    assert {**first.values, **second.values} == expected.values
    assert_equal_checkpoints(found, checkpoint)


def test_another_seed_is_another_run(whole: Any, synthetic: Path, tmp_path: Path) -> None:
    expected, _ = whole
    recorder = Recorder()
    changes = changes_of(LISTWISE, synthetic, tmp_path, train_config__seed=8)
    train(LISTWISE, {**changes, "train_config.num_steps": 5}, recorder)
    assert recorder.values[5] != expected.values[5]


@pytest.mark.parametrize("name", [POINTWISE, *GROUPS])
def test_every_model_goes_on(name: str, synthetic: Path, tmp_path: Path) -> None:
    """The listwise DSSM + SENet has its own tests above."""

    def pipeline(folder: Path) -> Pipeline:
        if name in SETTINGS:
            return load_config(name, changes_of(name, synthetic, folder))
        changes = {**edits(name, synthetic, folder), **SMALL, **few_features(*GROUPS[name])}
        return load_config(name, changes | {"train_input_path": changes["eval_input_path"]})

    assert_goes_on(pipeline, tmp_path, 30 if name in SETTINGS else 10)
