"""Rules about backbones: their graph, and the two towers that a MatchModel takes from it."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.sides import sides
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]
PATH = "model_config.backbone"


def graph(view: View) -> Problems:
    """Blocks have names, inputs and layers that are known, and no circles."""
    # The backbone's modules build on this package, so they are imported after it.
    from easyrec_lite.models.backbone.parse import parse_backbone

    if view.model_config.HasField("backbone"):
        yield from parse_backbone(view.pipeline)[1]


def towers(view: View) -> Problems:
    """A MatchModel finds its two towers among the backbone's outputs."""
    backbone = view.model_config.backbone
    if view.model_config.model_class != "MatchModel" or not backbone.blocks:
        return
    if backbone.HasField("top_mlp"):
        yield view.error(
            f"{PATH}.top_mlp",
            "top_mlp joins the outputs into one, but a MatchModel needs two towers",
            remedy="give each tower layers of its own, as the last ones of its block",
        )
    outputs = list(backbone.output_blocks)
    if len(outputs) < 2:
        yield view.error(
            f"{PATH}.output_blocks",
            "a MatchModel needs two output_blocks",
            expected="output_blocks: the user tower's block, and the item tower's",
            found=", ".join(outputs) or "none",
        )
        return
    yield from _indices(view, outputs)


def _indices(view: View, outputs: list[str]) -> Problems:
    params = view.model_config.model_params
    seen: dict[int, str] = {}
    for name in ("user_tower_idx_in_output", "item_tower_idx_in_output"):
        index, path = getattr(params, name), f"model_config.model_params.{name}"
        if not 0 <= index < len(outputs):
            yield view.error(
                path,
                f"the backbone has no output {index}",
                expected=f"0 to {len(outputs) - 1}: {', '.join(outputs)}",
                found=str(index),
            )
        elif index in seen:
            yield view.error(
                path,
                f"both towers are output {index}, block {outputs[index]!r}",
                expected=f"another index than {seen[index]}",
                found=str(index),
            )
        seen[index] = name


def unread_groups(view: View) -> Problems:
    """A group that no tower reads would only cost memory."""
    if view.model_config.model_class != "MatchModel":
        return
    user, item = sides(view)
    for name, group in view.groups.items():
        if user and item and name not in user and name not in item:
            yield view.warning(
                group.path,
                f"no tower reads feature group {name!r}",
                remedy="remove the group: its tables would only cost memory",
            )


RULES = (graph, towers, unread_groups)
