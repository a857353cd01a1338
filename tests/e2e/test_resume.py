"""A run that stops and goes on ends with the same losses and weights, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyrec_lite.runs.estimator import Estimator, Hook
from easyrec_lite.training.hooks import StepReport
from tests.e2e.running import (
    DAT,
    LISTWISE,
    PARALLEL,
    POINTWISE,
    SENET_BACKBONE,
    checkpoint_values,
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
    "train_config.log_step_count_steps": 5,
}
SETTINGS[POINTWISE]["model_config.dssm_senet.user_tower.dnn.dropout_ratio"] = [0.3, 0.2, 0.1]
SETTINGS[POINTWISE]["model_config.dssm_senet.item_tower.dnn.dropout_ratio"] = [0.3, 0.2, 0.1]


class Recorder(Hook):
    """Keeps what each report says of losses and gradients; interrupts after `until` steps."""

    def __init__(self, until: int = 10**9):
        self.values: dict[int, Mapping[str, float]] = {}
        self._until = until

    def report(self, report: StepReport) -> None:
        self.values[report.step] = report.values
        if report.step >= self._until:
            raise KeyboardInterrupt


def changes_of(name: str, synthetic: Path, folder: Path, **more: Any) -> dict[str, Any]:
    """Trains on the test rows, which are few enough to be read several times in 60 steps."""
    changes = {**edits(name, synthetic, folder, **more), **SETTINGS[name]}
    changes["train_input_path"] = changes["eval_input_path"]
    changes.setdefault("data_config.cache.folder", str(folder / "kept"))
    return changes


def train(name: str, changes: Mapping[str, Any], recorder: Recorder) -> str | None:
    from easyrec_lite.checks.check import load_config

    return Estimator(load_config(name, changes), [recorder]).train().checkpoint


def assert_equal_checkpoints(found: str | None, expected: str | None) -> None:
    ours, theirs = checkpoint_values(found), checkpoint_values(expected)
    assert ours.keys() == theirs.keys()
    differing = [name for name, value in ours.items() if not np.array_equal(value, theirs[name])]
    assert differing == []


@pytest.fixture(scope="module", params=[LISTWISE, POINTWISE])
def whole(request: pytest.FixtureRequest, synthetic: Path, tmp_path_factory: Any) -> Any:
    """(config, recorder, final checkpoint) of 60 steps in one go."""
    recorder = Recorder()
    folder = tmp_path_factory.mktemp("whole")
    changes = changes_of(request.param, synthetic, folder)
    return request.param, recorder, train(request.param, changes, recorder)


def test_a_stop_and_an_interrupt_change_nothing(
    whole: Any, synthetic: Path, tmp_path: Path
) -> None:
    """After 20 steps nothing is saved yet; 30 are a run of their own; after 45 it is at step 30."""
    name, expected, checkpoint = whole
    changes = changes_of(name, synthetic, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(name, changes, Recorder(20))
    first, lost, second = Recorder(), Recorder(45), Recorder()
    train(name, {**changes, "train_config.num_steps": 30}, first)
    with pytest.raises(KeyboardInterrupt):
        train(name, changes, lost)
    found = train(name, changes, second)
    assert sorted(first.values) == [5, 10, 15, 20, 25, 30]
    assert sorted(lost.values) == [35, 40, 45]
    assert sorted(second.values) == [35, 40, 45, 50, 55, 60]
    assert {**first.values, **lost.values} == {s: expected.values[s] for s in range(5, 46, 5)}
    assert {**first.values, **second.values} == expected.values
    assert_equal_checkpoints(found, checkpoint)


@pytest.mark.parametrize("whole", [LISTWISE], indirect=True)
def test_another_seed_is_another_run(whole: Any, synthetic: Path, tmp_path: Path) -> None:
    name, expected, _ = whole
    recorder = Recorder()
    changes = changes_of(name, synthetic, tmp_path, train_config__seed=8)
    train(name, {**changes, "train_config.num_steps": 5}, recorder)
    assert recorder.values[5] != expected.values[5]


@pytest.mark.parametrize(
    ("name", "groups"),
    [(SENET_BACKBONE, ("0", "1")), (PARALLEL, ("0:4", "4:8")), (DAT, ("0", "1"))],
)
def test_every_model_goes_on(
    name: str, groups: tuple[str, str], synthetic: Path, tmp_path: Path
) -> None:
    """The two DSSM + SENet configs have their own tests above."""
    whole, first, second = Recorder(), Recorder(), Recorder()
    changes = {**edits(name, synthetic, tmp_path / "whole"), **SMALL, **few_features(*groups)}
    changes["train_input_path"] = changes["eval_input_path"]
    expected = train(name, changes, whole)
    changes["model_dir"] = str(tmp_path / "halves")
    train(name, {**changes, "train_config.num_steps": 10}, first)
    found = train(name, changes, second)
    assert sorted(first.values) == [5, 10]
    assert {**first.values, **second.values} == whole.values
    assert_equal_checkpoints(found, expected)
