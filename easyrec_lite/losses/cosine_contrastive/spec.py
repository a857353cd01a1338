"""The cosine contrastive loss: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import Named, View
from easyrec_lite.core.errors import Problem
from easyrec_lite.losses.softmax.candidate_spec import CandidateLossSpec
from easyrec_lite.losses.softmax.options import PATH


@LOSSES.declare
class CosineContrastiveSpec(CandidateLossSpec):
    """The positive's cosine towards 1, those of negatives below a margin."""

    name = "COSINE_CONTRASTIVE_LOSS"
    module = "loss"
    message = "cosine_contrastive_loss"
    messages = {"CosineContrastiveLoss": fields("margin negative_weight")}

    def check_params(self, view: View, loss: Named) -> Iterator[Problem]:
        """The margin is one of cosines, and the loss reads cosines alone."""
        params, options = self.params(loss), view.model_config.softmax
        if not -1 <= params.margin < 1:
            yield view.error(
                self.field(loss, "margin"),
                f"margin is {params.margin:g}",
                expected="at least -1, less than 1",
            )
        if params.negative_weight <= 0:
            yield view.error(
                self.field(loss, "negative_weight"),
                f"negative_weight is {params.negative_weight:g}",
                expected="a positive number",
            )
        if options.logq != options.OFF:
            yield self.no_logq("a cosine is not a probability", view)
        yield from self._similarity(view)

    def _similarity(self, view: View) -> Iterator[Problem]:
        """The model compares by a cosine, whose scale is not learnt."""
        model, learnt = view.model, view.model_config.softmax.learn_temperature
        if model is None or not hasattr(model.config, "simi_func"):
            return
        wanted = {"simi_func": "COSINE", "scale_simi": "false"}
        cosine = enum_name(model.config, "simi_func") == "COSINE"
        wrong = {"simi_func": not cosine, "scale_simi": getattr(model.config, "scale_simi", False)}
        for name, value in wanted.items():
            if wrong[name]:
                yield view.error(
                    f"{model.path}.{name}",
                    f"{self.name} reads the cosine of a user and an item as it is",
                    expected=f"{name}: {value}",
                    remedy=f"set {name}: {value}, or use another loss",
                )
        if learnt:
            yield view.error(
                f"{PATH}.learn_temperature",
                f"{self.name} reads the cosine as it is: nothing teaches a temperature",
                remedy="leave learn_temperature out, or use another loss",
            )
        elif model.config.temperature != 1:
            yield view.warning(
                f"{model.path}.temperature",
                f"temperature has no effect on {self.name}, only on logits and probabilities",
                remedy="leave temperature out",
            )
