"""By which metric exports and early stopping are decided."""

from __future__ import annotations

from easyrec_lite.checks.view import View
from easyrec_lite.protos.messages import ExportConfig

LOSS = "loss/"
TOTAL_LOSS = "loss/total_loss"


def decision_metric(config: ExportConfig) -> str:
    """Returns `best_exporter_metric` as evaluation spells it.

    EasyRec's evaluation reports a loss twice prefixed, `loss/loss/NAME`; here it is `loss/NAME`.
    """
    name = config.best_exporter_metric
    return name.removeprefix(LOSS) if name.startswith(2 * LOSS) else name


def loss_names(view: View) -> list[str] | None:
    """Returns the losses that evaluation reports, `loss/NAME`; None when the model does not say."""
    names = view.spec.losses(view) if view.spec else None
    return None if names is None else [*(LOSS + name for name in names), TOTAL_LOSS]
