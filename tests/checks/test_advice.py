"""What is advised depends on the config: each piece is true of it, and passes `check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from easyrec_lite.checks.advice import advice
from easyrec_lite.checks.check import check_config
from easyrec_lite.checks.view import View
from easyrec_lite.config import load

CONFIGS = sorted(Path(__file__).parents[2].glob("configs/*.config"))
DSSM = "dssm_neg_sampler_on_taobao.config"
POINTWISE = "dssm_on_taobao.config"
BEST = "dssm_on_movielens.config"


def said(config: str, edits: dict[str, Any] | None = None, **facts: Any) -> str:
    return "; ".join(each.text for each in advice(View(load(config, edits)), **facts))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_advice_on_shipped_configs_passes_check(path: Path) -> None:
    before = {(p.path, p.message) for p in check_config(path)}
    given = advice(View(load(path)))
    assert len(given) <= 3
    for each in given:
        problems = [p for p in check_config(path, each.edits) if (p.path, p.message) not in before]
        assert [p for p in problems if p.severity == "error" or p.path in each.edits] == []


def test_a_pointwise_loss_is_to_become_listwise() -> None:
    assert "SOFTMAX_CROSS_ENTROPY" in said(POINTWISE)
    assert "SOFTMAX_CROSS_ENTROPY" not in said(DSSM)
    assert "SOFTMAX" not in said("pdn_on_taobao.config")


def test_logq_is_advised_where_it_is_off_and_other_rows_are_negatives() -> None:
    assert "logq: COUNTED" in said(DSSM)
    assert "logq" not in said(DSSM, {"model_config.softmax.logq": "STREAMING"})
    assert "logq" not in said(DSSM, {"model_config.dssm.ignore_in_batch_neg_sam": True})
    assert "logq" not in said(POINTWISE)
    cosine = {"model_config.losses": [{"loss_type": "COSINE_CONTRASTIVE_LOSS"}]}
    assert "logq" not in said(DSSM, cosine)


def test_a_high_temperature_of_a_cosine_is_to_fall() -> None:
    high = {"model_config.dssm.temperature": 1.0}
    assert "temperature" in said(BEST, high)
    assert "now 1" in said(BEST, high)
    assert "temperature" not in said(BEST)
    assert "temperature" not in said(BEST, high | {"model_config.softmax.learn_temperature": True})
    product = {"model_config.dssm.simi_func": "INNER_PRODUCT"}
    assert "temperature" not in said(BEST, high | product)


def test_more_negatives_are_advised_where_there_are_few() -> None:
    few = {"data_config.batch_size": 64}
    assert "batch_size: 1024 (now 63)" in said(BEST, few)
    assert "negatives" not in said(BEST)
    sampled = few | {"data_config.negative_sampler.num_sample": 100}
    assert "num_sample: 1024 (now 163)" in said(DSSM, sampled)
    assert "negatives," not in said("sequence_match_on_movielens.config", few)


def test_a_user_without_a_history_is_to_have_one() -> None:
    assert "history" in said("mf_on_taobao.config")
    assert "history" not in said(BEST)
    alone = {"model_config.feature_groups[group_name=user].feature_names": ["user_id"]}
    assert "history" in said(BEST, alone)


def test_false_negatives_are_to_be_masked() -> None:
    off = {"model_config.softmax.mask_false_negatives": False}
    assert "mask_false_negatives" in said(BEST, off)
    assert "mask_false_negatives" not in said(BEST)
    assert "mask" not in said(BEST, off | {"model_config.dssm.item_id": "movie_id"})


def test_less_than_an_epoch_calls_for_more_steps() -> None:
    assert "0.25 of an epoch" in said(BEST, epochs=0.25)
    assert said(BEST, epochs=1.0) == said(BEST)
    assert "epoch" not in said(BEST)


def test_where_nothing_is_missing_the_steps_and_the_rate_are_left() -> None:
    assert said(BEST) == "more steps, or another learning rate"
    assert "learning rate" not in said(BEST, epochs=0.25)


def test_the_first_three_are_given_and_chance_comes_first() -> None:
    edits = {"data_config.batch_size": 64, "model_config.dssm.temperature": 1.0}
    given = advice(View(load(DSSM, edits)), epochs=0.1, chance=True)
    assert len(given) == 3
    assert "check --data" in given[0].text
    assert "epoch" in given[1].text
    assert "logq" in given[2].text
