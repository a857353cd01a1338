"""What is said about losses over candidates, and about losses that no match model has."""

from __future__ import annotations

import pytest

from tests.config.base_config import (
    BACKBONE,
    LISTWISE,
    POINTWISE,
    assert_reported,
    problems,
    replaced,
)

GBCE = "GBCE_LOSS gbce_loss { num_items: 50 }"
BSL = (
    "BILATERAL_SOFTMAX_LOSS bilateral_softmax_loss "
    '{ positive_temperature: 0.2 session_name: "city" }'
)
CCL = "COSINE_CONTRASTIVE_LOSS"
DCL = "DECOUPLED_CONTRASTIVE_LOSS"


def trained_by(loss: str, softmax: str = "", similarity: str = "") -> str:
    """A listwise config with another loss."""
    text = replaced(BACKBONE, "loss_type: SOFTMAX_CROSS_ENTROPY", f"losses {{ loss_type: {loss} }}")
    place = "item_tower_idx_in_output: 1"
    text = replaced(text, place, f"{place} {similarity}")
    options = f"softmax {{ {softmax} }}" if softmax else ""
    return replaced(text, "model_config {", f"model_config {{ {options}")


@pytest.mark.parametrize(
    ("loss", "softmax", "similarity"),
    [
        (DCL, "logq: COUNTED", "temperature: 0.1"),
        (BSL, "logq: COUNTED learn_temperature: true", "temperature: 0.1"),
        (GBCE, "mask_false_negatives: true hardest_negatives: 4", "temperature: 0.1"),
        ("GBCE_LOSS gbce_loss { calibration: 0 }", "logq: COUNTED", "scale_simi: true"),
        (CCL, "mask_false_negatives: true", "simi_func: COSINE"),
        (CCL, "cross_replica_negatives: true", "simi_func: COSINE"),
        (f"{DCL} weight: 2 }} losses {{ loss_type: SOFTMAX_CROSS_ENTROPY", "", "temperature: 0.1"),
    ],
)
def test_good_losses_pass(loss: str, softmax: str, similarity: str) -> None:
    text = trained_by(
        loss,
        softmax,
        f"{similarity} scale_simi: false" if "scale" not in similarity else similarity,
    )
    assert [str(found) for found in problems(text)] == []


@pytest.mark.parametrize(
    ("loss", "softmax", "similarity", "marker", "pieces"),
    [
        (CCL, "logq: COUNTED", "", "logq", ("error", "logq: OFF", CCL)),
        (CCL, "learn_temperature: true", "", "learn_temperature", ("error", CCL)),
        (CCL, "", "simi_func: INNER_PRODUCT", "simi_func", ("error", "simi_func: COSINE")),
        (CCL, "", "scale_simi: true", "scale_simi", ("error", "scale_simi: false")),
        (CCL, "", "temperature: 0.3", "temperature: 0.3", ("warning", CCL)),
        (f"{CCL} cosine_contrastive_loss {{ margin: 1 }}", "", "", "margin", ("margin is 1",)),
        (
            f"{CCL} cosine_contrastive_loss {{ negative_weight: 0 }}",
            "",
            "",
            "negative_weight",
            ("negative_weight is 0",),
        ),
        ("GBCE_LOSS", "", "", "GBCE_LOSS", ("num_items", "calibration: 0")),
        (GBCE, "logq: COUNTED", "", "logq", ("error", "calibration: 0")),
        (
            "GBCE_LOSS gbce_loss { calibration: 1.5 num_items: 9 }",
            "",
            "",
            "calibration",
            ("calibration is 1.5", "from 0 to 1"),
        ),
        (
            'BILATERAL_SOFTMAX_LOSS bilateral_softmax_loss { session_name: "city" }',
            "",
            "",
            "BILATERAL",
            ("positive_temperature",),
        ),
        (
            "BILATERAL_SOFTMAX_LOSS bilateral_softmax_loss { positive_temperature: 0.1 }",
            "",
            "",
            "BILATERAL",
            ("session_name", "the user's id"),
        ),
        (BSL.replace("city", "ctiy"), "", "", "ctiy", ("nearest:  city",)),
        (BSL, "cross_replica_negatives: true", "", "cross_replica", ("error", "replica")),
        (
            DCL,
            "logq: COUNTED logq_of_positive: true",
            "",
            "logq_of_positive",
            ("warning", DCL),
        ),
    ],
)
def test_what_a_loss_does_not_take(
    loss: str, softmax: str, similarity: str, marker: str, pieces: tuple[str, ...]
) -> None:
    assert_reported(trained_by(loss, softmax, similarity), marker, *pieces)


@pytest.mark.parametrize("loss", ["BILATERAL_SOFTMAX_LOSS", "GBCE_LOSS"])
def test_a_loss_type_alone_lacks_what_the_loss_needs(loss: str) -> None:
    text = replaced(LISTWISE, "SOFTMAX_CROSS_ENTROPY", loss)
    assert_reported(text, f"loss_type: {loss}", "losses {")


def test_jrc_loss_says_why_and_what_instead() -> None:
    text = replaced(POINTWISE, "  dssm_senet {", "  loss_type: JRC_LOSS\n  dssm_senet {")
    assert_reported(text, "JRC_LOSS", "two logits", "pairwise")
    kd = 'kd { pred_name: "logits" soft_label_name: "price" loss_type: JRC_LOSS }'
    text = replaced(POINTWISE, "  dssm_senet {", f"  {kd}\n  dssm_senet {{")
    assert_reported(text, "JRC_LOSS", "two logits")
    params = 'jrc_loss { session_name: "user_id" }'
    losses = f"losses {{ loss_type: CLASSIFICATION }} losses {{ loss_type: JRC_LOSS {params} }}"
    text = replaced(POINTWISE, "  dssm_senet {", f"  {losses}\n  dssm_senet {{")
    assert_reported(text, "JRC_LOSS", "two logits")
