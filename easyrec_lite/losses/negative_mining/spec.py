"""The softmax with negative mining: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.specs.loss import LOSSES, LossSpec
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import Named, View
from easyrec_lite.core.errors import Problem

FIELD = "softmax_loss"


def given(view: View, loss: Named) -> list[Named]:
    """Returns the messages that hold the loss's parameters: its own, and the model's.

    Args:
      view: the config.
      loss: the entry of `losses`, or `loss_type`, that names the loss.
    """
    found = []
    if loss.config is not None and loss.config.HasField(FIELD):
        path = f"{loss.path.removesuffix('.loss_type')}.{FIELD}"
        found.append(Named(FIELD, path, getattr(loss.config, FIELD)))
    model = view.model
    reads = model is not None and FIELD in model.config.DESCRIPTOR.fields_by_name
    if model is not None and reads and model.config.HasField(FIELD):
        found.append(Named(FIELD, f"{model.path}.{FIELD}", getattr(model.config, FIELD)))
    return found


@LOSSES.declare
class NegativeMiningSpec(LossSpec):
    """The cross-entropy of each positive row's item among items of other rows of the batch."""

    name = "SOFTMAX_CROSS_ENTROPY_WITH_NEGATIVE_MINING"
    module = "loss"
    message = FIELD
    scored = "mined"
    messages = {
        "SoftmaxCrossEntropyWithNegativeMining": fields(
            "num_negative_samples margin gamma coefficient_of_support_vector"
        )
    }

    def shown(self, name: str) -> str:
        """Returns EasyRec's name for it."""
        return "softmax_loss"

    def check(self, view: View, loss: Named) -> Iterator[Problem]:
        """Its parameters are given once, and there are negatives."""
        found = given(view, loss)
        if len(found) != 1:
            yield view.error(
                found[0].path if found else loss.path,
                f"the parameters of {self.name} are given {'twice' if found else 'nowhere'}",
                expected=f"one {FIELD} {{ num_negative_samples: … }}",
                found=" and ".join(each.path for each in found) or "none",
                remedy=f"write {FIELD} in the parameters of the model, or in the entry of losses",
            )
        for message in found:
            yield from _numbers(view, message)


def _numbers(view: View, message: Named) -> Iterator[Problem]:
    positive = ("num_negative_samples", "gamma", "coefficient_of_support_vector")
    for name in positive:
        value = getattr(message.config, name)
        if value <= 0:
            yield view.error(
                f"{message.path}.{name}", f"{name} is {value:g}", expected="a positive number"
            )
