"""The layers of a model that weight fields, and which features these are."""

from __future__ import annotations

from typing import NamedTuple

from easyrec_lite.layers.field_weighting import FieldWeighting, field_weighting
from easyrec_lite.models.base import Model
from easyrec_lite.models.retrieval.towers import Tower
from easyrec_lite.models.retrieval.two_tower import TwoTowerModel


class WeightedFields(NamedTuple):
    """A layer of a tower that weights fields.

    Attributes:
      side: `user` or `item`.
      tower: the tower.
      name: of the layer.
      layer: the layer, or the part of it that weights the fields, built.
      fields: the features that it weights; `field 1`, … where the tower does not know them.
    """

    side: str
    tower: Tower
    name: str
    layer: FieldWeighting
    fields: tuple[str, ...]


def find_weighted_fields(model: Model) -> list[WeightedFields]:
    """Returns such layers of both towers; a layer that both use is the user tower's."""
    if not isinstance(model, TwoTowerModel):
        return []
    weighted = []
    for side, tower in model.towers.items():
        for layer in tower.layers:
            weighting = field_weighting(layer)
            if weighting is not None:
                names = tower.field_names(layer)
                if len(names) != len(weighting.widths):
                    names = [f"field {number + 1}" for number in range(len(weighting.widths))]
                weighted.append(WeightedFields(side, tower, layer.name, weighting, tuple(names)))
    return weighted
