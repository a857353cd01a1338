"""Our own softmax loss, `−log p`, where EasyRec's is `−log(p + 1e-12)`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.losses.outputs import Outputs
from tests.golden.case import Case
from tests.golden.forward import MODES
from tests.golden.pairs import Pair

# The forms' gradients differ by p / (p + 1e-12): less than 1e-5 where p is above this.
UNSATURATED = 1e-7


def softmax_loss(case: Case) -> Iterator[Pair]:
    """Our loss by its formula on EasyRec's logits, and as EasyRec's where no p is tiny."""
    for mode, training in MODES.items() if case.model.listwise else ():
        case.reset()
        model, stored = case.parts.model, case.arrays(mode)
        outputs = model(case.batch, training)
        ours = model.losses(outputs, case.batch)["cross_entropy_loss"]
        logits = stored["out/logits"].astype(np.float64)
        formula = np.mean(np.log(np.sum(np.exp(logits), axis=1)) - np.diag(logits))
        yield Pair(f"{mode}/log_softmax", ours, formula)
        if np.all(_chances(logits) > UNSATURATED):
            yield Pair(f"{mode}/cross_entropy_loss", ours, stored["loss/cross_entropy_loss"])


def softmax_gradient(case: Case) -> Iterator[Pair]:
    """The gradient of our loss in the rows where p is not tiny, beside that of EasyRec's form.

    By the vectors of the users, each of whom has a row; `training.gradients` compares the form
    with the stored gradients.
    """
    for mode, training in MODES.items() if case.model.listwise else ():
        case.reset()
        outputs = case.model(case.batch, training)
        ours, golden = (_gradient(model, outputs, case) for model in (case.parts.model, case.model))
        rows = _chances(case.arrays(mode)["out/logits"]) > UNSATURATED
        yield Pair(f"{mode}/grad/user_tower_emb", ours[rows], golden[rows])


def _chances(logits: np.ndarray) -> np.ndarray:
    """Returns the probability of each row's own item, [B], from logits [B, N]."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.exp(np.diag(shifted)) / np.exp(shifted).sum(axis=1)


def _gradient(model: Any, outputs: Outputs, case: Case) -> np.ndarray:
    user = outputs.predictions["user_tower_emb"]
    with tf.GradientTape() as tape:
        tape.watch(user)
        loss = model.losses(outputs, case.batch)["cross_entropy_loss"]
    return tape.gradient(loss, user).numpy()
