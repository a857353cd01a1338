"""DAT: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import View
from easyrec_lite.models.retrieval.spec import TOWER_FIELDS, FieldTowersSpec, Problems


@MODELS.declare
class DATSpec(FieldTowersSpec):
    """Towers that also read an augment vector, which learns to mimic the other side's output.

    The similarity is always the cosine by temperature.
    """

    name = "DAT"
    module = "model"
    message = "dat"
    messages = {
        "DAT": fields(TOWER_FIELDS + "simi_func temperature amm_i_weight amm_u_weight"),
        "DATTower": fields("id dnn"),
    }
    user_groups = ("user", "user_id_augment")
    item_groups = ("item", "item_id_augment")
    trained_by = ("candidates",)

    def check(self, view: View) -> Problems:
        """Yields what is wrong with the config as this model sees it."""
        yield from super().check(view)
        groups = (self.user_groups[1], self.item_groups[1])
        for tower, group in zip(self.towers(view), groups, strict=False):
            yield from self._augmented_width(view, tower, group)

    def losses(self, view: View) -> list[str] | None:
        """Returns the losses of two towers, and both mimic losses."""
        return [*(super().losses(view) or ()), "amm_loss_u", "amm_loss_i"]

    def check_function(self, view: View, function: str) -> Problems:
        """The similarity is the cosine, whatever the config says."""
        if function != "COSINE":
            yield view.warning(
                f"{self.path()}.simi_func",
                f"DAT always uses COSINE; simi_func {function} has no effect",
                remedy="leave simi_func out",
            )

    def check_learnt_function(self, view: View, function: str, learnt: str) -> Problems:
        """The cosine has a temperature to learn."""
        yield from ()

    def _augmented_width(self, view: View, tower: str, group: str) -> Problems:
        units = list(self.towers(view)[tower].config.dnn.hidden_units)
        features = view.group_features(group)
        dims = [feature.width for feature in features]
        known = [dim for dim in dims if dim]
        if not units or not features or len(known) < len(dims) or sum(known) == units[-1]:
            return
        yield view.error(
            view.groups[group].path,
            f"the vector of group {group!r} is not as wide as the output of {tower}",
            expected=f"{units[-1]}, the last hidden_units of {tower}",
            found=" + ".join(
                f"{dim} ({feature.name})" for dim, feature in zip(known, features, strict=True)
            ),
            remedy="make embedding_dim of the group's feature and the last hidden_units equal",
        )
