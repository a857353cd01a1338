"""The generalized binary cross-entropy: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import Named, View
from easyrec_lite.core.errors import Problem
from easyrec_lite.losses.softmax.candidate_spec import CandidateLossSpec


@LOSSES.declare
class GBCESpec(CandidateLossSpec):
    """Binary cross-entropy, calibrated for the share of negatives that compete."""

    name = "GBCE_LOSS"
    module = "loss"
    message = "gbce_loss"
    messages = {"GBCELoss": fields("calibration num_items")}

    def check_params(self, view: View, loss: Named) -> Iterator[Problem]:
        """The calibration is a share, and the number of items is known."""
        params = self.params(loss)
        calibration, options = params.calibration, view.model_config.softmax
        if not 0 <= calibration <= 1:
            yield view.error(
                self.field(loss, "calibration"),
                f"calibration is {calibration:g}",
                expected="from 0 to 1",
            )
        if calibration and params.num_items < 2:
            yield view.error(
                self.field(loss, "num_items"),
                f"{self.name} does not know of how many items the negatives are a sample",
                expected=f"losses {{ {self.message} {{ num_items: the items of the catalogue }} }}",
                remedy="count the rows of the item table, or set calibration: 0",
            )
        if calibration and options.logq != options.OFF:
            why = "the calibration corrects the sampling too; with calibration: 0 it fits"
            yield self.no_logq(why, view)
