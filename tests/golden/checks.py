"""All checks by name, and how close ours and EasyRec's must be."""

from __future__ import annotations

from tests.golden import forward, serving, softmax, training
from tests.golden.pairs import Check, Pair

FORWARD, GRADIENT = 1e-5, training.GRADIENT
# A logit's rounding is relative to the logit, which may be 1/temperature; a probability's
# relative error is the absolute one of its logit.
PROBABILITY = 5e-5

CHECKS: dict[str, tuple[Check, float]] = {
    check.__name__: (check, tolerance)
    for check, tolerance in (
        (forward.groups, FORWARD),
        (forward.blocks, FORWARD),
        (forward.inner, FORWARD),
        (forward.predictions, FORWARD),
        (forward.losses, FORWARD),
        (forward.regularization, FORWARD),
        (forward.metrics, FORWARD),
        (serving.served, FORWARD),
        (serving.exported, FORWARD),
        (softmax.softmax_loss, FORWARD),
        (softmax.softmax_gradient, GRADIENT),
        (training.gradients, GRADIENT),
        (training.step_losses, FORWARD),
        (training.step_variables, FORWARD),
        (training.step_bounds, 1.01),
    )
}


def tolerance(check: str, pair: Pair) -> float:
    """Returns the largest difference that `pair` may have."""
    return PROBABILITY if pair.name.endswith("/probs") else CHECKS[check][1]
