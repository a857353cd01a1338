"""MIND: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.model import MODELS, DenseLayer
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import Named, View
from easyrec_lite.models.retrieval.spec import (
    MASK_FIELDS,
    NO_SIMILARITY,
    SIMILARITY_FIELDS,
    Problems,
    TwoTowerSpec,
    check_dnn,
    check_one_width,
    dnn_layers,
    group_width,
)
from easyrec_lite.protos.messages import MIND, Capsule

HISTORY, USER, ITEM = "hist", "user", "item"
SIMILARITY_LOSS = "reg_interest_simi"
# The networks, and whether their last layer is dense alone.
DNNS = {"pre_capsule_dnn": False, "user_dnn": False, "concat_dnn": True, "item_dnn": True}
POSITIVE = ("max_k", "max_seq_len", "high_dim", "num_iters")
# Copies of each number that the self-attention computes of a step.
ATTENTION_COPIES, FLOAT = 3, 4
# What each extractor of interests does not read.
OF_ROUTING = (
    "num_iters",
    "routing_logits_scale",
    "routing_logits_stddev",
    "squash_pow",
    "scale_ratio",
)
UNREAD = {Capsule.ROUTING: ("attention_units",), Capsule.SELF_ATTENTION: OF_ROUTING}


def step_width(history: Sequence[Feature], params: MIND) -> int:
    """Returns the width of a step of the history, before `pre_capsule_dnn`."""
    dims = [feature.dim for feature in history if feature.name != params.time_id_fea]
    return sum(dims) if params.user_seq_combine == MIND.CONCAT else max(dims, default=0)


def attention_units(config: Capsule) -> int:
    """Returns the units of the hidden layer of the self-attention."""
    return int(config.attention_units or 4 * config.high_dim)


@MODELS.declare
class MINDSpec(TwoTowerSpec):
    """Several vectors of a user, by dynamic routing or self-attention; one of an item."""

    name = "MIND"
    module = "model"
    message = "mind"
    messages = {
        "MIND": fields(
            "pre_capsule_dnn user_dnn concat_dnn user_seq_combine item_dnn capsule_config simi_pow "
            "l2_regularization time_id_fea max_interests_simi " + SIMILARITY_FIELDS + MASK_FIELDS
        ),
        "Capsule": fields(
            "max_k max_seq_len high_dim num_iters routing_logits_scale routing_logits_stddev "
            "squash_pow scale_ratio const_caps_num extractor attention_units"
        ),
    }
    message_required = True
    reads_steps = True
    user_groups = (HISTORY, USER)
    item_groups = (ITEM,)

    def interests(self, view: View) -> int:
        """Returns `max_k`."""
        return max(1, self.params(view.model_config).capsule_config.max_k)

    def losses(self, view: View) -> list[str] | None:
        """Returns the losses of two towers, and that of similar interests."""
        names = super().losses(view) or []
        limited = self.params(view.model_config).max_interests_simi < 1
        return [*names, SIMILARITY_LOSS] if limited else names

    def dense_layers(self, view: View) -> list[DenseLayer] | None:
        """Returns the layers of all networks; those of the interests count K times a row."""
        params = self.params(view.model_config)
        width = step_width(view.group_features(HISTORY), params)
        layers = dnn_layers(params.pre_capsule_dnn, width)
        capsule = params.capsule_config
        width = layers[-1].units if layers else width
        layers.append(DenseLayer(width, capsule.high_dim, 0))
        if capsule.extractor == Capsule.SELF_ATTENTION:
            units = attention_units(capsule)
            layers.append(DenseLayer(capsule.high_dim, units, 0))
            layers.append(DenseLayer(units, capsule.max_k, 0))
        layers += dnn_layers(params.user_dnn, group_width(view, [USER]))
        user = params.user_dnn.hidden_units[-1] if params.user_dnn.hidden_units else 0
        layers += dnn_layers(params.concat_dnn, capsule.high_dim + user)
        return layers + dnn_layers(params.item_dnn, group_width(view, [ITEM]))

    def memory(self, view: View) -> dict[str, int]:
        """Returns the bytes of the self-attention over the steps of a batch."""
        capsule = self.params(view.model_config).capsule_config
        if capsule.extractor != Capsule.SELF_ATTENTION:
            return {}
        numbers = ATTENTION_COPIES * (attention_units(capsule) + capsule.high_dim + capsule.max_k)
        steps = view.data.batch_size * capsule.max_seq_len
        return {"self-attention over histories": steps * numbers * FLOAT}

    def check(self, view: View) -> Problems:
        """Yields what is wrong with the config as this model sees it."""
        yield from super().check(view)
        yield from self.check_sequences(view, (HISTORY,))
        if view.model is None or not self.params_given(view):
            return
        yield from self._networks(view)
        yield from self._numbers(view)
        yield from self._history(view)

    def _networks(self, view: View) -> Problems:
        params, dnns = self.params(view.model_config), {}
        for name, plain_end in DNNS.items():
            dnns[name] = Named(name, f"{self.path()}.{name}", getattr(params, name))
            if name != "pre_capsule_dnn" or params.HasField(name):
                yield from check_dnn(view, dnns[name], plain_end)
        outputs = [dnns["concat_dnn"], dnns["item_dnn"]]
        yield from check_one_width(view, outputs, NO_SIMILARITY)

    def _numbers(self, view: View) -> Problems:
        params, path = self.params(view.model_config), self.path()
        capsule = params.capsule_config
        numbers = {f"capsule_config.{name}": getattr(capsule, name) for name in POSITIVE}
        numbers["capsule_config.routing_logits_stddev"] = capsule.routing_logits_stddev
        numbers["capsule_config.scale_ratio"] = capsule.scale_ratio
        numbers["simi_pow"] = params.simi_pow
        for name, value in numbers.items():
            if value <= 0:
                yield view.error(
                    f"{path}.{name}", f"{name} is {value:g}", expected="a positive number"
                )
        for name in UNREAD[capsule.extractor]:
            if capsule.HasField(name):
                kind = enum_name(capsule, "extractor")
                yield view.warning(
                    f"{path}.capsule_config.{name}",
                    f"{name} has no effect with extractor: {kind}",
                    remedy=f"leave {name} out",
                )

    def _history(self, view: View) -> Problems:
        params = self.params(view.model_config)
        history = {f.name: f for f in view.group_features(HISTORY) if f.stays_sequence}
        time = params.time_id_fea
        if time and time not in history:
            yield view.unknown(
                f"{self.path()}.time_id_fea",
                f"sequence of group {HISTORY!r} in time_id_fea:",
                time,
                history,
                remedy=f"name a feature of group {HISTORY!r}",
            )
        elif time and history[time].dim != 1:
            yield view.error(
                f"{history[time].path}.embedding_dim",
                f"{time!r} is time_id_fea, which weights steps by one number",
                expected="embedding_dim: 1",
                found=str(history[time].dim),
                remedy="set embedding_dim: 1",
            )
        others = [feature for name, feature in history.items() if name != time]
        yield from self._dims(view, others)
        if history and not others:
            yield view.error(
                view.groups[HISTORY].path,
                f"group {HISTORY!r} has no sequence beside the times",
                remedy="name a sequence of ids, such as the items that the user clicked",
            )

    def _dims(self, view: View, history: Sequence[Feature]) -> Iterator:
        params = self.params(view.model_config)
        for feature in history[1:]:
            if params.user_seq_combine == MIND.SUM and feature.dim != history[0].dim:
                yield view.error(
                    f"{feature.path}.embedding_dim",
                    f"user_seq_combine SUM averages sequences, and {feature.name!r} is not as wide "
                    f"as {history[0].name!r}",
                    expected=str(history[0].dim),
                    found=str(feature.dim),
                    remedy="use one embedding_dim for them, or set user_seq_combine: CONCAT",
                )
