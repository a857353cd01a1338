"""DropoutNet: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterable

from easyrec_lite.checks.specs.model import MODELS, DenseLayer, Sides
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import Named, View
from easyrec_lite.models.retrieval.spec import (
    NO_SIMILARITY,
    Problems,
    RetrievalSpec,
    check_dnn,
    check_one_width,
    dnn_layers,
    group_width,
)

SIDES = ("user", "item")


def groups_of(side: str, present: Iterable[str]) -> tuple[str, ...]:
    """Returns the feature groups of `user` or `item` that are among the `present` ones."""
    present = set(present)
    return tuple(name for name in (f"{side}_content", f"{side}_preference") if name in present)


@MODELS.declare
class DropoutNetSpec(RetrievalSpec):
    """Towers over content and preferences, of which the latter are dropped at random."""

    name = "DropoutNet"
    module = "model"
    message = "dropoutnet"
    messages = {
        "DropoutNet": fields(
            "user_content user_preference item_content item_preference user_tower item_tower "
            "l2_regularization user_dropout_rate item_dropout_rate softmax_loss"
        )
    }
    user_groups = ("user_content", "user_preference")
    item_groups = ("item_content", "item_preference")
    trained_by = ("row", "mined")

    def sides(self, view: View) -> Sides:
        """Returns the groups of each side that the config has."""
        user, item = (groups_of(side, view.groups) for side in SIDES)
        return Sides({name: name for name in user}, {name: name for name in item})

    def losses(self, view: View) -> list[str] | None:
        """Returns the names of the losses, as EasyRec's model has them, and those of teachers."""
        names = super().losses(view) or []
        for place, loss in enumerate(view.losses):
            spec, given = view.loss_spec(loss), getattr(loss.config, "loss_name", "")
            if spec is not None and spec.mixed_name and not given:
                names[place] = spec.mixed_name
        return names

    def dense_layers(self, view: View) -> list[DenseLayer] | None:
        """Returns the layers of the parts and of the towers."""
        params, layers = self.params(view.model_config), []
        for side in SIDES:
            inputs = 0
            for group in groups_of(side, view.groups):
                part = getattr(params, group)
                width = group_width(view, [group])
                layers += dnn_layers(part, width)
                inputs += part.hidden_units[-1] if part.hidden_units else width
            layers += dnn_layers(getattr(params, f"{side}_tower"), inputs)
        return layers

    def check_groups(self, view: View) -> Problems:
        """Each side has one of its groups at least."""
        for side, own in zip(SIDES, (self.user_groups, self.item_groups), strict=True):
            if not groups_of(side, view.groups):
                yield view.error(
                    "model_config.feature_groups",
                    f"model {self.name} has no feature group of the {side}",
                    expected=" or ".join(own),
                    found="groups " + (", ".join(view.groups) or "none"),
                    remedy=f'name a group "{own[0]}"',
                )
        for group in view.groups:
            if group not in self.user_groups + self.item_groups:
                yield view.warning(
                    view.groups[group].path,
                    f"model {self.name} does not read feature group {group!r}",
                    expected="groups " + ", ".join(self.user_groups + self.item_groups),
                    remedy="remove the group",
                )

    def check(self, view: View) -> Problems:
        """Yields what is wrong with the config as this model sees it."""
        yield from super().check(view)
        if view.loss_is_default:
            yield view.error(
                "model_config.losses",
                f"model {self.name} has no loss",
                expected="loss_type: " + " or ".join(view.loss_names(self.trained_by)),
                found="none",
                remedy="add losses { loss_type: … }, one or more",
            )
        if view.model is None or not self.params_given(view):
            return
        params = view.model.config
        for side in SIDES:
            yield from self._rate(view, side)
            for group in groups_of(side, view.groups):
                part = Named(group, f"{self.path()}.{group}", getattr(params, group))
                if part.config.hidden_units:
                    yield from check_dnn(view, part, plain_end=False)
        names = [f"{side}_tower" for side in SIDES]
        towers = [Named(name, f"{self.path()}.{name}", getattr(params, name)) for name in names]
        for tower in towers:
            yield from check_dnn(view, tower)
        yield from check_one_width(view, towers, NO_SIMILARITY)

    def _rate(self, view: View, side: str) -> Problems:
        name = f"{side}_dropout_rate"
        rate, groups = getattr(self.params(view.model_config), name), groups_of(side, view.groups)
        if not 0 <= rate < 1:
            yield view.error(
                f"{self.path()}.{name}", f"{name} is {rate:g}", expected="at least 0, less than 1"
            )
        preference = f"{side}_preference"
        if rate and groups and preference not in groups:
            yield view.warning(
                f"{self.path()}.{name}",
                f"{name} has no effect: there is no feature group {preference!r} to drop",
                remedy=f"add the group, or set {name}: 0",
            )
