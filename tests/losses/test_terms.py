"""Which losses a config asks for."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import text_format

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.losses.terms import loss_terms
from easyrec_lite.protos import enum_descriptor
from easyrec_lite.protos.messages import EasyRecModel
from tests.config.base_config import POINTWISE, problems

LISTWISE = "SOFTMAX_CROSS_ENTROPY"


def model(text: str) -> Any:
    return text_format.Parse(f'model_class: "DSSM" {text}', EasyRecModel())


def test_without_any_the_loss_is_classification() -> None:
    (term,) = loss_terms(model(""))
    assert (term.name, term.loss_type, term.weight) == ("cross_entropy_loss", "CLASSIFICATION", 1)


def test_loss_type_alone() -> None:
    assert loss_terms(model("loss_type: L2_LOSS"))[0].name == "l2_loss"
    assert loss_terms(model(f"loss_type: {LISTWISE}"))[0].name == "cross_entropy_loss"


def test_losses_with_weights_names_and_parameters() -> None:
    first, second = loss_terms(
        model("""losses { loss_type: CLASSIFICATION weight: 0.5 }
        losses { loss_type: PAIR_WISE_LOSS loss_name: "pairs"
                 pairwise_loss { margin: 2 session_name: "user_id" } }""")
    )
    assert (first.name, first.weight) == ("cross_entropy_loss", 0.5)
    assert (second.name, second.weight, second.session_name) == ("pairs", 1, "user_id")
    assert second.params.margin == 2


def test_a_loss_type_alone_has_the_defaults_of_its_parameters() -> None:
    (term,) = loss_terms(model("loss_type: PAIRWISE_LOGISTIC_LOSS"))
    assert (term.params.temperature, term.params.ohem_ratio, term.session_name) == (1, 1, "")


def test_parameters_left_out_have_their_defaults() -> None:
    (term,) = loss_terms(model("losses { loss_type: BINARY_FOCAL_LOSS }"))
    assert term.params.gamma == 2


def test_each_loss_type_is_served_or_refused_by_name() -> None:
    for value in enum_descriptor("LossType").values:
        config = model(f"loss_type: {value.name}")
        if value.name == LISTWISE or value.name in LOSSES:
            assert loss_terms(config)[0].loss_type == value.name
        else:
            with pytest.raises(ConfigError, match=value.name):
                loss_terms(config)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (f"losses {{ loss_type: {LISTWISE} }} losses {{ loss_type: L2_LOSS }}", "losses[1]"),
        ("losses { loss_type: L2_LOSS } losses { loss_type: L2_LOSS }", "losses[1].loss_type"),
        ("losses { loss_type: L2_LOSS learn_loss_weight: true }", "losses[0].learn_loss_weight"),
        ("loss_weight_strategy: Uncertainty", "loss_weight_strategy"),
        (
            f"loss_type: {LISTWISE} "
            'kd { pred_name: "logits" soft_label_name: "clk" loss_type: L2_LOSS }',
            "kd[0]",
        ),
        (
            "losses { loss_type: LISTWISE_RANK_LOSS listwise_rank_loss { scale_logits: true } }",
            "losses[0].listwise_rank_loss.scale_logits",
        ),
        (
            "losses { loss_type: PAIRWISE_HINGE_LOSS pairwise_hinge_loss { use_exponent: true } }",
            "losses[0].pairwise_hinge_loss.use_exponent",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_check(text: str, path: str) -> None:
    config = POINTWISE.replace("model_config {", f"model_config {{ {text}", 1)
    errors = [each for each in problems(config) if each.severity == "error"]
    assert any(each.path.startswith(f"model_config.{path}") for each in errors), errors
