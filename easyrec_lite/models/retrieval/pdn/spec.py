"""PDN: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.model import MODELS, DenseLayer
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import Named, View
from easyrec_lite.models.retrieval.row_spec import RowSpec
from easyrec_lite.models.retrieval.spec import (
    NO_SIMILARITY,
    Problems,
    check_dnn,
    check_one_width,
    dnn_layers,
    group_width,
)
from easyrec_lite.protos.messages import DNN

U2I, TRIGGERS, I2I = "u2i_seq", "i_seq", "i2i_seq"
USER, ITEM, BIAS = "user", "item", "bias"
SEQUENCES = (U2I, TRIGGERS, I2I)
DIRECT = ("direct_user_dnn", "direct_item_dnn")
# The networks, and whether their last layer is dense alone.
DNNS = {
    "user_dnn": False,
    "item_dnn": False,
    "u2i_dnn": False,
    "trigger_dnn": True,
    "i2i_dnn": False,
    "sim_dnn": True,
    "bias_dnn": True,
    "direct_user_dnn": True,
    "direct_item_dnn": True,
}
SCORES = ("trigger_dnn", "sim_dnn", "bias_dnn")


@MODELS.declare
class PDNSpec(RowSpec):
    """The sum over paths from the user by an item of the history to the item, and a bias."""

    name = "PDN"
    module = "model"
    message = "pdn"
    messages = {
        "PDN": fields(
            "user_dnn item_dnn u2i_dnn trigger_dnn i2i_dnn sim_dnn direct_user_dnn "
            "direct_item_dnn simi_func scale_simi bias_dnn l2_regularization log_odds",
            warned={"item_id": "each row is scored alone, no other row's item competes"},
        )
    }
    reads_steps = True
    user_groups = (U2I, TRIGGERS, USER)
    item_groups = (I2I, ITEM)
    optional_groups = (BIAS,)

    def dense_layers(self, view: View) -> list[DenseLayer] | None:
        """Returns the layers of all networks, each as often as once a row."""
        params = self.params(view.model_config)
        ends = {
            name: dnn.hidden_units[-1]
            for name, dnn in self._given(view).items()
            if dnn.hidden_units
        }
        width = {
            "user_dnn": group_width(view, [USER]),
            "item_dnn": group_width(view, [ITEM]),
            "u2i_dnn": self._steps(view, U2I) + self._steps(view, TRIGGERS),
            "trigger_dnn": ends.get("user_dnn", 0),
            "i2i_dnn": self._steps(view, TRIGGERS),
            "sim_dnn": 3 * ends.get("item_dnn", 0) + self._steps(view, I2I),
            "bias_dnn": group_width(view, [BIAS]),
            "direct_user_dnn": group_width(view, [USER]),
            "direct_item_dnn": group_width(view, [ITEM]),
        }
        return [layer for name in DNNS for layer in dnn_layers(getattr(params, name), width[name])]

    def check(self, view: View) -> Problems:
        """Yields what is wrong with the config as this model sees it."""
        yield from super().check(view)
        yield from self.check_sequences(view, SEQUENCES)
        if view.model is not None and self.params_given(view):
            yield from self._networks(view)
            yield from self._together(view)

    def _given(self, view: View) -> dict[str, DNN]:
        params = self.params(view.model_config)
        return {name: getattr(params, name) for name in DNNS if params.HasField(name)}

    def _networks(self, view: View) -> Problems:
        dnns = {
            name: Named(name, f"{self.path()}.{name}", dnn)
            for name, dnn in self._given(view).items()
        }
        for name, dnn in dnns.items():
            yield from check_dnn(view, dnn, DNNS[name])
            if name in SCORES and dnn.config.hidden_units[-1:] not in ([], [1]):
                yield view.error(
                    f"{dnn.path}.hidden_units[{len(dnn.config.hidden_units) - 1}]",
                    f"{name} gives a score, and its last layer has several units",
                    expected="1",
                    found=str(dnn.config.hidden_units[-1]),
                    remedy="set the last hidden_units to 1",
                )
        pairs = (
            ("user_dnn", "u2i_dnn", "so they cannot be added"),
            ("item_dnn", "i2i_dnn", "so they cannot be multiplied"),
            (*DIRECT, NO_SIMILARITY),
        )
        for first, second, why in pairs:
            if first in dnns and second in dnns:
                yield from check_one_width(view, [dnns[first], dnns[second]], why)

    def _together(self, view: View) -> Problems:
        params = self.params(view.model_config)
        given = [name for name in DIRECT if params.HasField(name)]
        if len(given) == 1:
            (other,) = set(DIRECT) - set(given)
            yield view.error(
                f"{self.path()}.{given[0]}",
                f"{given[0]} has nothing to compare with",
                expected=" and ".join(DIRECT),
                remedy=f"add {other}, or remove {given[0]}",
            )
        if params.HasField("bias_dnn") != (BIAS in view.groups):
            has = f"{self.path()}.bias_dnn" if params.HasField("bias_dnn") else "feature_groups"
            yield view.error(
                has if has != "feature_groups" else view.groups[BIAS].path,
                f"bias_dnn reads feature group {BIAS!r}: one of them is missing",
                expected="both, or none of them",
                remedy="add the other one, or remove it",
            )

    @staticmethod
    def _steps(view: View, group: str) -> int:
        return sum(feature.dim for feature in view.group_features(group))
