"""Which features a block of a backbone reads as separate fields. No TensorFlow."""

from __future__ import annotations

from easyrec_lite.checks.features import FeatureGroups
from easyrec_lite.models.backbone.graph import Block, Graph, Input, handed_on


def field_names(graph: Graph, block: Block, groups: FeatureGroups) -> list[str]:
    """Returns the features whose vectors `block` reads one by one, in order.

    Args:
      graph: the graph of the block.
      block: reads feature groups as lists of fields, itself or by blocks that only hand them on.
      groups: feature group → its features.

    Returns:
      The names; none where its input is anything else, so that no feature can be told.
    """
    names: list[str] = []
    for entry in handed_on(block):
        own = [] if entry.steps else _names(graph, block, entry, groups)
        if not own:
            return []
        names += own
    return [] if block.extra_steps else names


def _names(graph: Graph, block: Block, entry: Input, groups: FeatureGroups) -> list[str]:
    if entry.kind == "group":
        return [feature.name for feature in groups[entry.name]] if _by_fields(block, entry) else []
    if entry.kind != "block" or entry.name not in graph.blocks:
        return []
    inner = graph.blocks[entry.name]
    only_hands_on = all(layer.kind == "input_layer" for layer in inner.layers)
    return field_names(graph, inner, groups) if only_hands_on else []


def _by_fields(block: Block, entry: Input) -> bool:
    own = [layer.message for layer in block.layers if layer.kind == "input_layer"]
    options = entry.options if entry.options is not None else own[0] if own else None
    if options is None:
        return False
    return options.only_output_feature_list or options.only_output_3d_tensor
