"""The SENet layers of a model, and which features they weight."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras

from easyrec_lite.layers.fibinet.layer import FiBiNet
from easyrec_lite.layers.senet.layer import SENet
from easyrec_lite.models.backbone.field_names import field_names
from easyrec_lite.models.base import Model
from easyrec_lite.models.retrieval.match_model.model import MatchModel
from easyrec_lite.models.retrieval.towers import Tower
from easyrec_lite.models.retrieval.two_tower import TwoTowerModel


class TowerSENet(NamedTuple):
    """A SENet layer of a tower.

    Attributes:
      side: `user` or `item`.
      name: of the layer, or of the FiBiNet that it is part of.
      layer: the layer, built.
      fields: the features that it weights; `field 1`, … where they cannot be told.
    """

    side: str
    name: str
    layer: SENet
    fields: tuple[str, ...]


def find_senets(model: Model) -> list[TowerSENet]:
    """Returns the SENet layers of both towers; a layer that both use is the user tower's."""
    if not isinstance(model, TwoTowerModel):
        return []
    found = []
    for side, tower in model.towers.items():
        for layer in tower.layers:
            senet = layer.senet if isinstance(layer, FiBiNet) else layer
            if isinstance(senet, SENet):
                names = _names(model, tower, layer)
                if len(names) != len(senet.widths):
                    names = [f"field {number + 1}" for number in range(len(senet.widths))]
                found.append(TowerSENet(side, layer.name, senet, tuple(names)))
    return found


def _names(model: TwoTowerModel, tower: Tower, layer: keras.layers.Layer) -> list[str]:
    specs: Any = model.embeddings.groups
    if not isinstance(model, MatchModel):
        return [spec.name for spec in specs[tower.groups[0]]]
    backbone = model.backbone
    key = next(key for key, layers in backbone.layers.items() if layer in layers)
    package, _, block = key.rpartition("/")
    graph = backbone.graph.packages[package] if package else backbone.graph.main
    return field_names(graph, graph.blocks[block], specs) if block in graph.blocks else []
