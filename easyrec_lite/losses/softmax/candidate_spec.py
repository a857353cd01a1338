"""What `check` knows of every loss over the candidates of a batch."""

from __future__ import annotations

from typing import Any

from easyrec_lite.checks.specs.loss import LossSpec
from easyrec_lite.checks.view import Named, View
from easyrec_lite.core.errors import Problem
from easyrec_lite.losses.softmax.options import PATH, Problems, check_options
from easyrec_lite.protos.messages import Loss

# Rows of the [B, N] logits in a block, and blocks that are computed at a time: what one core leaves
# idle between operations, another fills. A logit takes `BLOCK_COPIES` numbers meanwhile, `copies`
# of a loss.
BLOCK_ROWS, PARALLEL_BLOCKS, BLOCK_COPIES = 256, 2, 3
# With several interests, each has its products with the candidates, later their gradients.
INTEREST_COPIES = 1
FLOAT = 4
# What a streaming estimate keeps of a hash bucket of item ids: a row, an interval, a count.
STREAMING_BYTES = 16


class CandidateLossSpec(LossSpec):
    """A loss in which each row's positive competes with the batch's items and the sampled ones.

    Attributes:
      copies: the numbers that a logit of a block takes.
      corrects_positive: whether logQ may also correct the positive's logit.
    """

    scored = "candidates"
    copies = BLOCK_COPIES + 1
    corrects_positive = False

    def check(self, view: View, loss: Named) -> Problems:
        """Yields what is wrong with the loss, and with `model_config.softmax`."""
        specs = [view.loss_spec(each) for each in view.losses]
        first = next(spec for spec in specs if isinstance(spec, CandidateLossSpec))
        if first is self:
            yield from check_options(view)
        yield from self.check_params(view, loss)
        options = view.model_config.softmax
        if options.HasField("logq_of_positive") and not self.corrects_positive:
            yield view.warning(
                f"{PATH}.logq_of_positive",
                f"{self.name} never corrects the positive's logit",
                remedy="leave logq_of_positive out",
            )

    def check_params(self, view: View, loss: Named) -> Problems:
        """Yields what is wrong with the loss's own parameters."""
        yield from ()

    def params(self, loss: Named) -> Any:
        """Returns the loss's message, with defaults if the config has none."""
        return getattr(loss.config or Loss(), self.message)

    def field(self, loss: Named, name: str) -> str:
        """Returns the path of a parameter; of `loss_type` if the config does not list losses."""
        if loss.config is None:
            return loss.path
        return f"{loss.path.removesuffix('.loss_type')}.{self.message}.{name}"

    def no_logq(self, why: str, view: View) -> Problem:
        """Returns the error of a loss that logQ does not fit."""
        return view.error(
            f"{PATH}.logq",
            f"{self.name} has no logq: {why}",
            expected="logq: OFF",
            remedy="leave logq out, or use another loss",
        )

    def memory(self, view: View) -> dict[str, int]:
        """Returns the bytes of the blocks of logits, and of a streaming estimate of frequencies."""
        rows = min(view.data.batch_size, BLOCK_ROWS * PARALLEL_BLOCKS)
        interests = view.spec.interests(view) if view.spec else 1
        copies = self.copies + (INTEREST_COPIES * interests if interests > 1 else 0)
        parts = {"in-batch softmax": rows * view.candidates * FLOAT * copies}
        options = view.model_config.softmax
        if options.logq == options.STREAMING:
            parts["streaming estimate of logq"] = options.logq_buckets * STREAMING_BYTES
        return parts
