"""Which features matter to the towers: what their SENet layers multiply them by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from easyrec_lite.reporting.figures import bars
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.markup import Child, Html, note, table, tag
from easyrec_lite.reporting.section import Section

COLUMNS = ("magnitude", "mean", "spread", "size", "dim")
HEAD = ["feature", "mean |weight|", "mean weight", "between rows", "weighted size", "dim"]


def body(folder: ModelFolder) -> list[Child]:
    """Returns a picture and a table for each SENet layer, the heaviest feature first."""
    weights = folder.weights
    if weights is None:
        return [
            note("No feature weights: an evaluation writes them for a model with SENet layers.")
        ]
    shown = [_layer(number, layer) for number, layer in enumerate(weights["layers"])]
    return [
        note(
            "A SENet layer multiplies each number of a feature's embedding by a weight of its own. "
            "These are means over the first rows of the evaluation data, at step ",
            str(weights["step"]),
            ". Between rows: standard deviation of a row's mean weight; 0 means that the layer "
            "weighs the feature alike for everybody. Weighted size: root mean square of what the "
            "feature hands on, weight times embedding: a small embedding can undo a large weight.",
        ),
        *shown,
    ]


def _layer(number: int, layer: Mapping[str, Any]) -> Html:
    features = sorted(layer["features"], key=lambda feature: -feature["magnitude"])
    title = f"{layer['tower']} tower: {layer['layer']}"
    names = [feature["name"] for feature in features]
    lengths = [feature["magnitude"] for feature in features]
    told = ", ".join(f"{name} {value:.3g}" for name, value in zip(names, lengths, strict=True))
    alt = f"Mean absolute weight of the features in {layer['layer']}, the largest first: {told}"
    picture = bars(f"figure-senet-{number}", alt, names, {"weight": lengths}, "mean |weight|")
    rows = [[feature["name"], *(feature[column] for column in COLUMNS)] for feature in features]
    made = tag("div", picture, table(f"Weights in {layer['layer']}", HEAD, rows), class_="figures")
    return tag("section", tag("h3", title), made)


SECTION = Section("features", "Feature weights", body)
