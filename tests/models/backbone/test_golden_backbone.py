"""The two backbone configs against what EasyRec computes for them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conftest import shared_folder
from tests.models.backbone.golden import Golden, arrays, close

FORWARD, GRADIENT, RATE = 1e-5, 1e-4, 1e-4
# The order in which the oracle read the groups.
GROUPS = {
    "dssm_senet_backbone": ["item", "user"],
    "parallel_dssm": [
        "item_dcn_feature",
        "item_mlp_feature",
        "user_dcn_feature",
        "user_mlp_feature",
        "item_cin_feature",
        "item_fm_feature",
        "user_cin_feature",
        "user_fm_feature",
    ],
}


@pytest.fixture(scope="module", params=GROUPS)
def case(request: pytest.FixtureRequest) -> Golden:
    return Golden(shared_folder("golden") / request.param, GROUPS[request.param])


def test_the_variables_are_the_same(case: Golden) -> None:
    assert {case.name(theirs) for theirs in case.stored} == set(case.ours)
    assert {case.name(theirs) for theirs in case.learnt} == set(case.model.trainable)


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_block_outputs(case: Golden, mode: str) -> None:
    stored = arrays(case.folder, mode)
    found = case.blocks(training=mode == "train")
    blocks = {name.split("/")[0] for name in found}
    assert blocks == set(case.model.backbone.graph.main.blocks)
    expected = {
        name.removeprefix("block/"): output
        for name, output in stored.items()
        if name.startswith("block/") and name.split("/")[1] in blocks
    }
    assert set(found) == set(expected)
    for name, output in expected.items():
        close(found[name], output, FORWARD, name)


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_towers_logits_and_losses(case: Golden, mode: str) -> None:
    expected = arrays(case.folder, mode)
    predictions, losses, _ = case.forward(training=mode == "train")
    for name in ("user_tower_emb", "item_tower_emb", "logits"):
        close(predictions[name], expected[f"out/{name}"], FORWARD, name)
    for name in ("cross_entropy_loss", "reg_pos_loss", "regularization_loss", "total_loss"):
        if f"loss/{name}" in expected:
            np.testing.assert_allclose(losses[name], expected[f"loss/{name}"], rtol=FORWARD)


def test_gradients(case: Golden) -> None:
    expected = arrays(case.folder, "train")
    _, _, gradients = case.forward(training=True)
    for theirs in case.learnt:
        close(gradients[case.name(theirs)], expected[f"grad/{theirs}"], GRADIENT, theirs)


def test_scorer(case: Golden) -> None:
    expected = arrays(case.folder, "predict")
    case.reset()
    served = case.model.serve(case.batch.features)
    for name in ("logits", "probs", "user_tower_emb", "item_tower_emb"):
        close(served[name], expected[f"out/{name}"], FORWARD, name)


def test_three_steps_of_adam(case: Golden) -> None:
    """Where a gradient is nothing but rounding, Adam's step is ± the rate by its sign."""
    expected = arrays(case.folder, "after_steps")
    gradients = arrays(case.folder, "train")
    compared = 0
    for step, (losses, variables) in enumerate(case.train(3), 1):
        for name in ("cross_entropy_loss", "reg_pos_loss", "regularization_loss"):
            stored = expected[f"step{step}/loss/{name}"]
            np.testing.assert_allclose(losses[name], stored, rtol=FORWARD, err_msg=name)
        for theirs in case.stored:
            stored = expected.get(f"step{step}/var/{theirs}")
            if stored is None:
                continue
            compared += 1
            sure = np.abs(gradients.get(f"grad/{theirs}", np.ones(stored.shape))) > 1e-5
            error = np.abs(variables[case.name(theirs)].numpy() - stored)
            assert np.all(error < np.where(sure, 1e-5, 2 * step * RATE)), theirs
    assert compared == 2 * len(case.stored)
