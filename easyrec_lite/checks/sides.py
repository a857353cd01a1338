"""Which feature groups the user tower reads, and which the item tower."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from easyrec_lite.checks.view import View

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
    # The backbone's modules build on this package, so they are imported after it.
    from easyrec_lite.models.backbone.parse import parse_backbone

    backbone, _ = parse_backbone(view.pipeline)
    if backbone is None or not backbone.main.as_list:
        return Sides({}, {})
    outputs, params = backbone.main.outputs, view.model_config.model_params
    indices = (params.user_tower_idx_in_output, params.item_tower_idx_in_output)
    return Sides(
        *(backbone.groups(outputs[index]) if 0 <= index < len(outputs) else {} for index in indices)
    )
