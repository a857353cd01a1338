"""Gradients, and three steps of training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tests.golden.case import Case
from tests.golden.pairs import Pair, section
from tests.golden.stored import Arrays

STEPS = 3
GRADIENT = 1e-4
# A variable has no gradient but rounding if the largest is below this share of the model's
# largest: a bias before a batch norm, or one that a softmax does not see.
ROUNDING = 1e-5
# A step, its losses and rates, and the variables after it by EasyRec's names.
Step = tuple[int, dict[str, float], dict[str, Pair]]
MOVING_MEAN = "/moving_mean"


def gradients(case: Case) -> Iterator[Pair]:
    """The gradient of the total loss by each variable, as a dense array.

    That of a variable of ours which is several of EasyRec's is the sum of theirs.
    Those of rounding alone are compared at the scale of the model's largest gradient.
    """
    _, found = case.trainer().gradients(case.batch)
    stored = section(case.arrays("train"), "grad/")
    top = _largest(stored)
    shared = dict.fromkeys(case.names[name] for name in case.shared if name in stored)
    for ours in shared:
        parts = [golden for name, golden in stored.items() if case.names[name] == ours]
        yield Pair(f"grad/{ours}", np.asarray(found[ours]), np.sum(parts, axis=0))
    for name, golden in stored.items():
        if case.names[name] not in shared:
            scale = top if np.max(np.abs(golden)) < ROUNDING * top else 0.0
            ours = tf.convert_to_tensor(found[case.names[name]])
            yield case.pair("train", f"grad/{name}", ours, scale)


def step_losses(case: Case) -> Iterator[Pair]:
    """The losses of three training steps."""
    for step, shown, _ in _trained(case):
        for name in section(case.arrays("after_steps"), f"step{step}/loss/"):
            yield case.pair("after_steps", f"step{step}/loss/{name}", shown[name])


def step_variables(case: Case) -> Iterator[Pair]:
    """The variables after training steps, where the direction of their steps is known.

    A batch norm's moving mean holds the bias before it, which moves by rounding: see `step_bounds`.
    """
    known = known_directions(section(case.arrays("train"), "grad/"))
    for _, _, variables in _trained(case):
        for name, pair in variables.items():
            if not name.endswith(MOVING_MEAN) and name not in case.shared:
                ours = np.where(known.get(name, True), pair.ours, pair.golden)
                yield pair._replace(ours=ours)


def step_bounds(case: Case) -> Iterator[Pair]:
    """All variables after training steps, in steps of the learning rate.

    Adam's steps are about as long as the rate, whatever the size of the gradient. Where that is
    rounding, ours and EasyRec's may go opposite ways. A moving mean follows such a bias by 1 %
    a step: `0.01 · Σ 2·s·rate` over the steps s before.
    """
    for step, shown, variables in _trained(case):
        rate = max(shown.get(name, 0.0) for name in ("learning_rate", "embedding_rate"))
        for name, pair in variables.items():
            golden = pair.golden
            if name in case.learnt:
                bound = 2 * step * rate
            elif name.endswith(MOVING_MEAN):
                bound = 0.01 * step * (step - 1) * rate + 1e-5 * float(np.max(np.abs(golden)))
            else:
                continue
            yield pair._replace(ours=pair.ours - golden, golden=np.zeros_like(golden), scale=bound)


def _trained(case: Case) -> list[Step]:
    """Returns each step with the losses before it, and the variables after it."""
    return case.once("trained", lambda: list(_steps(case)))


def _steps(case: Case) -> Iterator[Step]:
    """Trains eagerly: tracing would take most of the time of all these tests."""
    trainer = case.trainer()
    # Variables of EasyRec's that are one of ours part with the first step.
    for step in range(1, 2 if case.shared else STEPS + 1):
        shown = trainer.train_step(case.batch)
        variables = {
            name: _variable(case, step, name)
            for name in section(case.arrays("after_steps"), f"step{step}/var/")
        }
        yield step, {name: float(value) for name, value in shown.items()}, variables


def _variable(case: Case, step: int, name: str) -> Pair:
    ours = case.ours[case.names[name]].numpy().copy()  # the next step changes the variable
    return case.pair("after_steps", f"step{step}/var/{name}", ours)


def known_directions(gradients: Arrays) -> dict[str, np.ndarray]:
    """Returns for each variable in which entries the sign of the gradient is certain.

    Gradients agree within `GRADIENT` of the largest entry, so that smaller entries may have any
    sign; but an entry that nothing depends on is 0.
    """
    top = _largest(gradients)
    known = {}
    for name, gradient in gradients.items():
        size = np.abs(gradient)
        certain = (size == 0) | (size > GRADIENT * size.max())
        known[name] = certain & (size.max() > ROUNDING * top)
    return known


def _largest(gradients: Arrays) -> float:
    return max(float(np.max(np.abs(gradient))) for gradient in gradients.values())
