"""Which feature groups the user tower reads, and which the item tower."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from easyrec_lite.config.view import View

FIXED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "DSSM": (("user",), ("item",)),
    "DSSM_SENet": (("user",), ("item",)),
    "DAT": (("user", "user_id_augment"), ("item", "item_id_augment")),
}


class Sides(NamedTuple):
    """Feature group → the way to it from the tower's output, e.g. `user_dnn ← user_mlp ← user`."""

    user: dict[str, str]
    item: dict[str, str]


def sides(view: View) -> Sides:
    """Returns the groups of both towers; empty where the model or its backbone does not say."""
    fixed = FIXED.get(view.model_config.model_class)
    if fixed is not None:
        return Sides(*({group: group for group in groups} for groups in fixed))
    backbone, model = view.model_config.backbone, view.model_config.model_params
    indices = (model.user_tower_idx_in_output, model.item_tower_idx_in_output)
    outputs = list(backbone.output_blocks)
    inside = _inputs(backbone)
    return Sides(
        *(
            _reached(outputs[index], inside, set(view.groups)) if index < len(outputs) else {}
            for index in indices
        )
    )


def _inputs(backbone: Any) -> dict[str, list[str]]:
    """Returns block or package → names of what it reads; packages have a prefix of their own."""
    names = {block.name: _block_inputs(block) for block in backbone.blocks}
    for package in backbone.packages:
        blocks = {block.name: _block_inputs(block) for block in package.blocks}
        outside = [name for read in blocks.values() for name in read if name not in blocks]
        names[f"package {package.name}"] = outside
    return names


def _block_inputs(block: Any) -> list[str]:
    read = []
    for given in block.inputs:
        if given.ignore_input:
            continue
        name = given.feature_group_name or given.block_name
        if given.package_name:
            name = f"package {given.package_name}"
        read += [part for part in (name, given.package_input) if part]
    return read


def _reached(output: str, inputs: Mapping[str, list[str]], groups: set[str]) -> dict[str, str]:
    """Returns the groups that block `output` depends on, each with the shortest way to it."""
    found: dict[str, str] = {}
    ways = {output: output}
    waiting = deque([output])
    while waiting:
        block = waiting.popleft()
        for name in inputs.get(block, []):
            way = f"{ways[block]} ← {name}"
            if name in groups:
                found.setdefault(name, way)
            if name not in ways and name != block:
                ways[name] = way
                waiting.append(name)
    return found
