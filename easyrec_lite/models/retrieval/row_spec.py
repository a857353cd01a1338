"""What models that score a user and an item together have in common, as `check` sees it."""

from __future__ import annotations

from easyrec_lite.checks.view import View
from easyrec_lite.models.retrieval.spec import Problems, RetrievalSpec


class RowSpec(RetrievalSpec):
    """A model of one probability a row, without vectors of a user or an item alone."""

    task = "ranking"
    trained_by = ("row",)

    def check(self, view: View) -> Problems:
        """Yields what is wrong with the config as this model sees it."""
        yield from super().check(view)
        yield view.warning(
            "model_config.model_class",
            f"{self.name} scores a user and an item together, so that it has no vectors of users "
            "or items: it exports a scorer alone, and ranks what another model retrieves",
            remedy="use a model of two towers to retrieve items",
        )
        for loss in view.losses:
            spec = view.loss_spec(loss)
            if spec is not None and spec.prediction != "probability":
                yield view.error(
                    loss.path,
                    f"{self.name} predicts a probability, and {loss.name} compares with a number",
                    remedy="use a loss of clicks",
                )
