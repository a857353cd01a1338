"""The bilateral softmax: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import Named, View
from easyrec_lite.core.errors import Problem
from easyrec_lite.losses.softmax.candidate_spec import CandidateLossSpec
from easyrec_lite.losses.softmax.options import PATH


@LOSSES.declare
class BilateralSoftmaxSpec(CandidateLossSpec):
    """The softmax with one temperature for positives and one for negatives."""

    name = "BILATERAL_SOFTMAX_LOSS"
    module = "loss"
    message = "bilateral_softmax_loss"
    messages = {"BilateralSoftmaxLoss": fields("positive_temperature session_name")}

    def check_params(self, view: View, loss: Named) -> Iterator[Problem]:
        """It has a temperature, and sessions whose positives it applies to."""
        params = self.params(loss)
        if params.positive_temperature <= 0:
            yield view.error(
                self.field(loss, "positive_temperature"),
                f"{self.name} has no positive_temperature above 0",
                expected=f"losses {{ {self.message} {{ positive_temperature: … }} }}",
                remedy="start with the temperature of the model",
            )
        if not params.session_name:
            yield view.error(
                self.field(loss, "session_name"),
                f"{self.name} does not know the positives of a user: with one positive alone, the "
                "positive temperature has no effect",
                expected=f"losses {{ {self.message} {{ session_name: an input field }} }}",
                remedy="set session_name to the field with the user's id",
            )
        if view.model_config.softmax.cross_replica_negatives:
            yield view.error(
                f"{PATH}.cross_replica_negatives",
                f"the positives of {self.name} are compared within a replica: those of a user on "
                "other replicas would be negatives",
                expected="cross_replica_negatives: false",
                remedy="leave cross_replica_negatives out, or use another loss",
            )
