"""Cross: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec, wrong
from easyrec_lite.core.errors import Problem


@LAYERS.declare
class CrossSpec(LayerSpec):
    """One layer of a deep and cross network; its parameters stand in `st_params`."""

    name = "Cross"
    module = "layer"

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """What is added to the diagonal is not negative."""
        if arguments.get("diag_scale", 0) < 0:
            yield wrong("diag_scale", "0 or more", arguments["diag_scale"])
