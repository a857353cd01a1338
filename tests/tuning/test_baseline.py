"""The settings that leave a config as it is, if a space has them."""

from __future__ import annotations

import pytest

from easyrec_lite.checks.check import load_config
from easyrec_lite.config import load
from easyrec_lite.tuning.baseline import own_settings
from easyrec_lite.tuning.parse import parse_flags
from tests.tuning.studies import CONFIG, HEADS, OPTIMIZER, RATE

DROPOUT = "model_config.sequence_match.hidden_dropout_prob"
WIDTH = "feature_config.features[:].embedding_dim"
FIRST_WIDTH = "feature_config.features[0].embedding_dim"


# The config has a rate of 0.001, a dropout of 0.2, 2 heads, batches of 128 and a width of 64.
@pytest.mark.parametrize(
    ("search", "stored"),
    [
        (f"{RATE}=log(1e-4, 1e-2)", 0.001),
        (f"{RATE}=log(0.001, 1e-2)", 0.001),
        (f"{RATE}=log(0.0011, 1e-2)", None),
        (f"{DROPOUT}=uniform(0, 0.2)", 0.2),
        (f"{HEADS}=int(1, 4)", 2),
        (f"{HEADS}=int(1, 5, step=2)", None),
        (f"{HEADS}=choice(4, 2, 1)", "2"),
        (f"{HEADS}=choice(4, 1)", None),
        ("train_config.seed=int(1, 5)", 1),  # by default
        ("train_config.seed=choice(7, null)", "null"),
        ("data_config.shuffle=choice(false, true)", "true"),
        (f"{WIDTH}=int(32, 64, step=32)", 64),
        (f"{FIRST_WIDTH}=int(32, 64)", 64),
        (f'{OPTIMIZER}=choice({{}}, {{"beta1": 0.8}})', "{}"),
        (
            "model_config.loss_type=choice(GBCE_LOSS, SOFTMAX_CROSS_ENTROPY)",
            "SOFTMAX_CROSS_ENTROPY",
        ),
        ("eval_config.full_ranking.topk=choice([20], [10])", "[10]"),
    ],
)
def test_the_value_of_the_config_is_found(search: str, stored: object) -> None:
    space = parse_flags([search])
    found = own_settings(load_config(CONFIG), CONFIG, {}, space)
    assert found == (None if stored is None else {space[0].path: stored})


def test_edits_count_and_all_parameters_must_have_their_value() -> None:
    edits = {WIDTH: 32, HEADS: 4}
    space = parse_flags([f"{HEADS}=choice(1, 4)", f"{WIDTH}=int(16, 32)"])
    pipeline = load_config(CONFIG, edits)
    assert own_settings(pipeline, CONFIG, edits, space) == {HEADS: "4", WIDTH: 32}
    assert own_settings(load_config(CONFIG), CONFIG, {}, space) is None


def test_elements_that_differ_have_no_value() -> None:
    edits = {FIRST_WIDTH: 32, "feature_config.features[0].embedding_name": "other"}
    pipeline = load_config(CONFIG, {FIRST_WIDTH: 64})
    space = parse_flags([f"{WIDTH}=int(32, 64)"])
    assert own_settings(pipeline, CONFIG, {FIRST_WIDTH: 64}, space) is not None
    assert own_settings(load(CONFIG, edits), CONFIG, edits, space) is None
