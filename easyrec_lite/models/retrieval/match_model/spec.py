"""MatchModel: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.model import MODELS, Sides
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import View
from easyrec_lite.models.backbone.graph import Backbone
from easyrec_lite.models.backbone.messages import MESSAGES as BACKBONE_MESSAGES
from easyrec_lite.models.backbone.parse import parse_backbone
from easyrec_lite.models.backbone.sequences import check_sequences
from easyrec_lite.models.retrieval.spec import (
    MASK_FIELDS,
    SIMILARITY_FIELDS,
    Problems,
    TwoTowerSpec,
)

PATH = "model_config.backbone"
INDICES = ("user_tower_idx_in_output", "item_tower_idx_in_output")


@MODELS.declare
class MatchModelSpec(TwoTowerSpec):
    """Two towers that are outputs of a backbone."""

    name = "MatchModel"
    module = "model"
    message = "model_params"
    messages = {
        **BACKBONE_MESSAGES,
        "ModelParams": fields(
            "l2_regularization user_tower_idx_in_output item_tower_idx_in_output "
            + SIMILARITY_FIELDS
            + MASK_FIELDS,
            warned={"outputs": "the outputs of a match model are those of its two towers"},
            refused={"task_towers": ("a match model has one task", "leave them out")},
        ),
    }
    user_groups = ()
    item_groups = ()
    reads_backbone = True

    def sides(self, view: View) -> Sides:
        """Returns the groups below both outputs; empty where the backbone does not say."""
        backbone, _ = parse_backbone(view.pipeline)
        if backbone is None or not backbone.main.as_list:
            return Sides({}, {})
        outputs, params = backbone.main.outputs, view.model_config.model_params
        user, item = (
            backbone.groups(outputs[index]) if 0 <= index < len(outputs) else {}
            for index in (getattr(params, name) for name in INDICES)
        )
        return Sides(user, item)

    def losses(self, view: View) -> list[str] | None:
        """Returns the names of the config's losses, and of those that blocks give."""
        names, (backbone, _) = super().losses(view), parse_backbone(view.pipeline)
        if names is None or backbone is None:
            return names
        return [*names, *map(backbone.main.loss_name, backbone.main.losses)]

    def check(self, view: View) -> Problems:
        """Yields what is wrong with the config as this model sees it."""
        yield from super().check(view)
        if view.model_config.HasField("backbone"):
            backbone, problems = parse_backbone(view.pipeline)
            yield from problems
            if backbone is not None:
                yield from check_sequences(view, backbone)
                yield from _losses(view, backbone)
        else:
            yield view.error(
                "model_config",
                "a MatchModel has no backbone",
                expected="backbone { blocks {...} output_blocks: ... }",
                remedy="describe the two towers as blocks, or use a model with towers of its own",
            )
        yield from _towers(view)
        yield from self._separate_towers(view)
        yield from self._unread_groups(view)

    def _separate_towers(self, view: View) -> Problems:
        """No feature group feeds both towers."""
        user, item = view.sides
        for group in user:
            if group in item:
                yield view.error(
                    f"{view.groups[group].path}.group_name",
                    f"both towers read feature group {group!r}, so the user tower needs the item",
                    found=f"{user[group]} and {item[group]}",
                    remedy="give each tower groups of its own; a feature may stand in two groups",
                )

    def _unread_groups(self, view: View) -> Problems:
        """A group that no tower reads would only cost memory."""
        user, item = view.sides
        for name, group in view.groups.items():
            if user and item and name not in user and name not in item:
                yield view.warning(
                    group.path,
                    f"no tower reads feature group {name!r}",
                    remedy="remove the group: its tables would only cost memory",
                )


def _losses(view: View, backbone: Backbone) -> Problems:
    """A loss compares vectors of one tower, whose rows it has."""
    user, item = (set(side) for side in view.sides)
    for name in backbone.main.losses if user and item else ():
        ways = backbone.groups(name)
        if not (ways.keys() <= user or ways.keys() <= item):
            yield view.error(
                backbone.main.blocks[name].path,
                f"the loss of block {name!r} compares what no single tower reads",
                expected="feature groups of the user tower alone, or of the item tower alone",
                found=" and ".join(ways.values()),
                remedy="compare two views of one tower's groups; the softmax compares the towers",
            )


def _towers(view: View) -> Problems:
    """A MatchModel finds its two towers among the backbone's outputs."""
    backbone = view.model_config.backbone
    if not backbone.blocks:
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
    for name in INDICES:
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
