"""The SENet layers of a model, and which features they weight."""

from __future__ import annotations

from typing import NamedTuple

from easyrec_lite.layers.fibinet.layer import FiBiNet
from easyrec_lite.layers.senet.layer import SENet
from easyrec_lite.models.base import Model
from easyrec_lite.models.retrieval.towers import Tower
from easyrec_lite.models.retrieval.two_tower import TwoTowerModel


class TowerSENet(NamedTuple):
    """A SENet layer of a tower.

    Attributes:
      side: `user` or `item`.
      tower: the tower.
      name: of the layer, or of the FiBiNet that it is part of.
      layer: the layer, built.
      fields: the features that it weights; `field 1`, … where they cannot be told.
    """

    side: str
    tower: Tower
    name: str
    layer: SENet
    fields: tuple[str, ...]


def find_senets(model: Model) -> list[TowerSENet]:
    """Returns the SENet layers of both towers; a layer that both use is the user tower's."""
    if not isinstance(model, TwoTowerModel):
        return []
    senets = []
    for side, tower in model.towers.items():
        for layer in tower.layers:
            senet = layer.senet if isinstance(layer, FiBiNet) else layer
            if isinstance(senet, SENet):
                names = tower.field_names(layer)
                if len(names) != len(senet.widths):
                    names = [f"field {number + 1}" for number in range(len(senet.widths))]
                senets.append(TowerSENet(side, tower, layer.name, senet, tuple(names)))
    return senets
