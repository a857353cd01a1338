from __future__ import annotations

import pytest

from benchmarks.ncf.baselines import BASELINES
from benchmarks.ncf.cases import ALL, MODELS, VARIANTS, cases
from easyrec_lite.checks.check import load_config


def test_a_study_that_breaks_off_has_a_whole_table_first() -> None:
    runs = cases(1000, 3, 2, 0, {})
    assert len({run.name for run in runs}) == len(runs) == 8 + 4 * (4 * 2 + 3)
    baselines = [run for run in runs if run.model in BASELINES]
    assert runs[: len(baselines)] == baselines
    first = runs[len(baselines) : len(baselines) + 20]
    assert {(run.model, run.variant) for run in first} == {
        (model, variant.name) for model in MODELS for variant in VARIANTS
    }
    assert {run.seed for run in first} == {1}
    assert [run.variant for run in runs[len(baselines) + 20 :]] == [ALL] * 8 + [
        variant.name for _ in MODELS for variant in VARIANTS if variant.name != ALL
    ]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize("model", MODELS)
def test_edits_leave_what_the_variant_has(model: str, variant) -> None:
    (run,) = (
        one for one in cases(1000, 1, 1, 0, {}) if (one.model, one.variant) == (model, variant.name)
    )
    config = load_config(MODELS[model], run.edits).config
    softmax = config.model_config.softmax
    assert softmax.mask_false_negatives == variant.mask
    assert (softmax.logq == softmax.COUNTED) == variant.logq
    used = {name for group in config.model_config.feature_groups for name in group.feature_names}
    assert ({"recent", "last"} <= used) == variant.history
    assert ("recent" in used) == ("last" in used)
    assert {"user_id", "zip", "genres", "year"} <= used
    assert config.train_config.seed == 1


def test_epochs_set_steps_and_schedule_alike() -> None:
    run = cases(1000, 1, 1, 3, {"data_config.batch_size": 300})[-1]
    config = load_config(MODELS[run.model], run.edits).config
    (optimizer,) = config.train_config.optimizer_config
    rate = optimizer.adam_optimizer.learning_rate.cosine_decay_learning_rate
    assert (config.data_config.num_epochs, config.data_config.batch_size) == (3, 300)
    assert config.train_config.num_steps == rate.total_steps == 10
    assert rate.warmup_steps < 10


def test_the_shipped_configs_differ_in_their_models_alone() -> None:
    one, *others = (load_config(name).config for name in MODELS.values())
    for other in others:
        for field in ("train_config", "data_config", "eval_config"):
            assert getattr(one, field) == getattr(other, field)
        assert one.model_config.softmax == other.model_config.softmax
