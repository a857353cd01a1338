"""Every golden case: our ids, variables and numbers against EasyRec's.

The softmax losses here are of EasyRec's form, `−log(p + 1e-12)`, so that losses, gradients and
steps can be compared at all: at temperature 0.01 most rows of the untrained cases have p below
1e-12, where that form does not learn. What our own form gives is compared by `softmax_loss` with
its formula, and by `softmax_gradient` with EasyRec's in the rows where both agree.
"""

from __future__ import annotations

import numpy as np
import pytest

from easyrec_lite.data.rows.values import Steps
from easyrec_lite.models.base import SEED_STATE
from tests.golden.case import Case
from tests.golden.checks import CHECKS, tolerance
from tests.golden.pairs import section

# Stored numbers that no check compares, and why.
LEFT_OUT = {
    ("eval", "reg"): "an evaluation has no penalties",
    ("predict", "reg"): "nor has serving",
}
COMPARED = {
    "train": {"out", "loss", "label", "reg", "group", "block", "grad", "random", "inner"},
    "eval": {"out", "loss", "label", "group", "block", "metric", "random", "inner"},
    "predict": {"out", "group", "block", "random", "inner"},
    "after_steps": {f"step{step}" for step in (1, 2, 3)},
}


def test_ids_are_equal(case: Case) -> None:
    stored = case.arrays("ids")
    assert set(case.candidates) <= set(stored), "features that EasyRec does not have"
    # A feature in no group is not transformed here; tests/features compares those too.
    for name in case.candidates:
        golden = stored[name]
        ids = case.candidates[name].ids
        if isinstance(case.candidates[name], Steps):
            golden = golden[:, : ids.bounding_shape(axis=1)]  # EasyRec's are uncut
        found = ids.numpy() if golden.ndim == 1 else ids.to_tensor(-1).numpy()
        padding = [(0, width - size) for width, size in zip(golden.shape, found.shape, strict=True)]
        found = np.pad(found, padding, constant_values=-1)
        np.testing.assert_array_equal(found, golden, err_msg=name)


def test_variables_are_the_same(case: Case) -> None:
    drawn_from = {name for name in case.ours if SEED_STATE in name}
    assert set(case.names.values()) == case.ours.keys() - drawn_from
    assert len(case.names) - len(case.shared) == len(
        set(case.names.values()) - {case.names[name] for name in case.shared}
    )
    assert {case.names[name] for name in case.learnt} == set(case.parts.model.trainable)
    for name, golden in case.arrays("vars").items():
        assert tuple(case.ours[case.names[name]].shape) == golden.shape, name


@pytest.mark.parametrize("check", CHECKS)
def test_parity(case: Case, check: str) -> None:
    compare, _ = CHECKS[check]
    far = [
        f"{pair.name}: {pair.difference():.1e}"
        for pair in compare(case)
        if not pair.difference() <= tolerance(check, pair)
    ]
    assert not far, f"{len(far)} too far from EasyRec's, such as " + "; ".join(far[:5])


def test_every_block_is_compared(case: Case) -> None:
    backbone = getattr(case.parts.model, "backbone", None)
    blocks = set(backbone.graph.main.blocks) if backbone else set()
    stored = {key.split("/")[0] for key in section(case.arrays("train"), "block/")}
    assert blocks <= stored


def test_all_that_is_stored_is_compared(case: Case) -> None:
    stored = {(name, key.split("/")[0]) for name in COMPARED for key in case.arrays(name)}
    compared = {(name, kind) for name, kinds in COMPARED.items() for kind in kinds}
    assert stored <= compared | set(LEFT_OUT)
