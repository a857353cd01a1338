"""Which features matter to the towers: the weights that their layers multiply features by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from easyrec_lite.reporting.figures import bars
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.rendering import ReportTable
from easyrec_lite.reporting.section import Section

COLUMNS = ("magnitude", "mean", "spread", "size", "dim")
HEAD = ["feature", "mean |weight|", "mean weight", "between rows", "weighted size", "dim"]


def content(folder: ModelFolder) -> dict[str, Any]:
    """Returns a picture and a table for each layer, the feature with the largest weight first."""
    weights = folder.weights
    if weights is None:
        return {"layers": None}
    layers = [_layer(number, layer) for number, layer in enumerate(weights["layers"])]
    return {"step": weights["step"], "layers": layers}


def _layer(number: int, layer: Mapping[str, Any]) -> dict[str, Any]:
    features = sorted(layer["features"], key=lambda feature: -feature["magnitude"])
    names = [feature["name"] for feature in features]
    lengths = [feature["magnitude"] for feature in features]
    pairs = ", ".join(f"{name} {value:.3g}" for name, value in zip(names, lengths, strict=True))
    alt = f"Mean absolute weight of the features in {layer['layer']}, the largest first: {pairs}"
    rows = [[feature["name"], *(feature[column] for column in COLUMNS)] for feature in features]
    return {
        "title": f"{layer['tower']} tower: {layer['layer']}",
        "figure": bars(f"figure-weight-{number}", alt, names, {"weight": lengths}, "mean |weight|"),
        "table": ReportTable(f"Weights in {layer['layer']}", HEAD, rows),
    }


SECTION = Section("features", "Feature weights", content)
