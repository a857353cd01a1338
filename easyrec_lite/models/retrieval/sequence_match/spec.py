"""SequenceMatch: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Sequence

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.checks.specs.sampler import SAMPLERS, sampler_of
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import nearest
from easyrec_lite.losses.softmax.candidate_spec import (
    BLOCK_COPIES,
    BLOCK_ROWS,
    FLOAT,
    PARALLEL_BLOCKS,
)
from easyrec_lite.models.retrieval.sequence_match.memory import encoder_bytes
from easyrec_lite.models.retrieval.spec import (
    MASK_FIELDS,
    SIMILARITY_FIELDS,
    Problems,
    TwoTowerSpec,
)

GROUP, ITEM_GROUP = "user", "item"
ACTIVATIONS = ("gelu", "relu", "silu", "swiglu")
ENCODER_FIELDS = (
    "encoder num_layers num_heads intermediate_size hidden_act hidden_dropout_prob "
    "attention_probs_dropout_prob max_seq_len all_positions negatives item_tower gated_residual "
)
# Fields that encoders do not read.
NOT_OF_GRU = ("num_heads",)
OF_TRANSFORMER = (
    "intermediate_size",
    "hidden_act",
    "attention_probs_dropout_prob",
    "gated_residual",
)
# Ids from which on a softmax over all of them takes longer than one over sampled items.
MANY_ITEMS = 100_000
# Options of the softmax over a batch's candidates, which is not the loss here.
OTHER_OPTIONS = ("hardest_negatives", "cross_replica_negatives")

# Rows of the logits over a catalogue at a time, with their copies; copies of an item's vector.
LOGIT_ROWS, ITEM_COPIES = BLOCK_ROWS * PARALLEL_BLOCKS * BLOCK_COPIES, 3

# Rows of the masks of a user's own items, which take as much as logits.
MASK_ROWS = BLOCK_ROWS * PARALLEL_BLOCKS


def history_features(features: Sequence[Feature]) -> list[Feature]:
    """Returns the sequences of a group that a model reads step by step."""
    return [f for f in features if f.spec.sequence and f.sequence_combiner is None]


def history_of(item: Feature, users: Sequence[Feature]) -> str | None:
    """Returns the sequence of the user's whose steps are values of an item's feature.

    The two share a table, by `embedding_name`.
    """
    table = item.table(ITEM_GROUP)
    for feature in history_features(users):
        if feature.has_table and feature.table(GROUP) == table and feature.reads_ids:
            return feature.name
    return None


@MODELS.declare
class SequenceMatchSpec(TwoTowerSpec):
    """A causal encoder of the user's history, and the item's embeddings or a DNN on them."""

    name = "SequenceMatch"
    module = "model"
    message = "sequence_match"
    messages = {
        "SequenceMatch": fields(
            ENCODER_FIELDS + "l2_regularization " + SIMILARITY_FIELDS + MASK_FIELDS
        )
    }
    message_required = True
    reads_steps = True
    trained_by = ("candidates",)

    def step_sequences(self, view: View) -> list[str]:
        """Returns the sequences of the history, whose steps are joined."""
        return [feature.name for feature in history_features(view.group_features(GROUP))]

    def losses(self, view: View) -> list[str] | None:
        """Returns the names of the config's losses."""
        return [name for name in super().losses(view) or () if name != "reg_pos_loss"]

    def shared_negatives(self, view: View) -> str | None:
        """Returns in words which items compete with those of each step."""
        if enum_name(self.params(view.model_config), "negatives") == "CATALOGUE":
            item = view.group_features(ITEM_GROUP)[0]
            return f"all other ids of {item.name!r}, of {item.rows or 0:,}"
        drawn = sampler_of(view.data)
        return f"{drawn[1].num_sample if drawn else 0} sampled, the same for all steps"

    def memory(self, view: View) -> dict[str, int]:
        """Returns the bytes of the encoder, and of the blocks of logits over the catalogue."""
        if not self.params_given(view):
            return {}
        params = self.params(view.model_config)
        items = view.group_features(ITEM_GROUP)
        units = list(params.item_tower.hidden_units)
        width = units[-1] if units else sum(feature.width for feature in items)
        parts = {"encoder of histories": encoder_bytes(params, view.data.batch_size, width)}
        if enum_name(params, "negatives") == "CATALOGUE":
            rows = sum(feature.known_rows or 0 for feature in items)
            masks = MASK_ROWS * view.model_config.softmax.mask_false_negatives
            logits = LOGIT_ROWS + masks
            parts["softmax over the catalogue"] = rows * (logits + width * ITEM_COPIES) * FLOAT
        return parts

    def check(self, view: View) -> Problems:
        """Yields what is wrong with the config as this model sees it."""
        yield from super().check(view)
        if not self.params_given(view) or view.model is None:
            return
        yield from self._numbers(view)
        yield from self._unread(view)
        yield from self._history(view)
        yield from self._negatives(view)
        for name in OTHER_OPTIONS:
            if view.model_config.softmax.HasField(name):
                yield view.warning(
                    f"model_config.softmax.{name}",
                    f"{name} has no effect on {self.name}: its negatives are shared by all steps, "
                    "and an item is never a negative of itself",
                    remedy=f"leave {name} out",
                )

    def _unread(self, view: View) -> Problems:
        """No field is set that the encoder does not read."""
        params = self.params(view.model_config)
        kind = enum_name(params, "encoder")
        names = () if params.encoder == params.TRANSFORMER else OF_TRANSFORMER
        for name in names + (NOT_OF_GRU if params.encoder == params.GRU else ()):
            if params.HasField(name):
                yield view.warning(
                    f"{self.path()}.{name}",
                    f"{name} has no effect on encoder {kind}",
                    remedy=f"leave {name} out",
                )

    def _numbers(self, view: View) -> Problems:
        params, path = self.params(view.model_config), self.path()
        for name in ("num_layers", "num_heads", "max_seq_len"):
            if getattr(params, name) == 0:
                yield view.error(f"{path}.{name}", f"{name} is 0", expected="1 or more")
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
            share = getattr(params, name)
            if not 0 <= share < 1:
                yield view.error(
                    f"{path}.{name}", f"{name} is {share:g}", expected="at least 0, less than 1"
                )
        if params.hidden_act not in ACTIVATIONS:
            yield view.error(
                f"{path}.hidden_act",
                "unknown activation",
                expected="one of " + ", ".join(ACTIVATIONS),
                found=params.hidden_act,
                nearest=nearest(params.hidden_act, ACTIVATIONS),
            )
        units = list(params.item_tower.hidden_units)
        if params.HasField("item_tower") and (not units or 0 in units):
            yield view.error(
                f"{path}.item_tower",
                "item_tower has no layers, or one of 0 units",
                expected="hidden_units: one positive number a layer",
                remedy="set hidden_units, or leave item_tower out for the embeddings alone",
            )
        width = units[-1] if units else sum(f.width for f in view.group_features(ITEM_GROUP))
        heads = params.num_heads
        if params.encoder != params.GRU and heads and width % heads:
            yield view.error(
                f"{path}.num_heads",
                "the width of the item's vector is no multiple of num_heads",
                expected=f"a divisor of {width}",
                found=str(heads),
            )

    def _history(self, view: View) -> Problems:
        """There is a history, and training on all steps knows the items of its steps."""
        users = view.group_features(GROUP)
        history = history_features(users)
        if not history and GROUP in view.groups:
            yield view.error(
                view.groups[GROUP].path,
                f"{self.name} has no history: group {GROUP!r} has no SequenceFeature without "
                "sequence_combiner",
                expected="a SequenceFeature of the user's items, from the oldest to the newest",
                remedy="add one, with sub_feature_type: IdFeature and the embedding_name of the "
                "item's id feature",
            )
            return
        for feature in history:
            if feature.reads_ids and feature.config.seq_multi_sep:
                yield view.error(
                    f"{feature.path}.seq_multi_sep",
                    f"a step of {feature.name!r} has several ids",
                    expected="one id a step",
                    remedy="leave seq_multi_sep out",
                )
            if feature.keeps_empty_steps:
                yield view.error(
                    feature.path,
                    f"an empty cell of {feature.name!r} would be a step, with the id of the empty "
                    "text",
                    expected="drop_empty_steps: true",
                    remedy="set it, so that an empty cell is a user without steps",
                )
        items = view.group_features(ITEM_GROUP)
        if self.params(view.model_config).all_positions:
            option = f"{self.path()}.all_positions: false"
            for feature in items:
                yield from _known_in_history(
                    view, feature, users, "all_positions trains on", option
                )
        elif items and view.model_config.softmax.mask_false_negatives:
            option = "model_config.softmax.mask_false_negatives: false"
            why = "mask_false_negatives masks"
            yield from _known_in_history(view, items[0], users, why, option)

    def _negatives(self, view: View) -> Problems:
        """The items that compete are there."""
        path, kind = (
            f"{self.path()}.negatives",
            enum_name(self.params(view.model_config), "negatives"),
        )
        if kind == "SAMPLED":
            yield from self._sampled(view, path)
            return
        items = view.group_features(ITEM_GROUP)
        if len(items) != 1 or not items[0].spec.one_id:
            yield view.error(
                path,
                "CATALOGUE needs an item that is its id alone: group 'item' has one IdFeature",
                found=", ".join(f"{f.name} ({f.kind})" for f in items) or "no feature",
                remedy="use negatives: SAMPLED with a negative sampler, or leave the others out",
            )
        elif (items[0].rows or 0) > MANY_ITEMS:
            yield view.warning(
                path,
                f"every step competes with all {items[0].rows:,} ids of {items[0].name!r}",
                remedy="use negatives: SAMPLED with a negative sampler",
            )

    def _sampled(self, view: View, path: str) -> Problems:
        if view.sampler is None:
            yield view.error(
                path,
                "SAMPLED has no sampler",
                expected="a sampler in data_config",
                remedy="add one, or use negatives: CATALOGUE",
            )
            return
        drawn = [name for name in SAMPLERS.names() if not _draws_hard(name)]
        if _draws_hard(view.sampler.name):
            yield view.error(
                view.sampler.path,
                f"{self.name} does not train on hard negatives",
                expected=" or ".join(drawn),
                found=view.sampler.name,
                remedy=f"use {drawn[0]}",
            )


def _known_in_history(
    view: View, item: Feature, users: Sequence[Feature], why: str, option: str
) -> Problems:
    """Yields an error unless the steps of a history are values of the item's feature."""
    if item.spec.one_id and history_of(item, users) is not None:
        return
    yield view.error(
        item.path,
        f"{why} the items of the history, whose {item.name!r} is not known",
        expected="an IdFeature whose embedding_name is that of a SequenceFeature of the user's",
        remedy=f"give both one embedding_name, or set {option}",
    )


def _draws_hard(sampler: str) -> bool:
    return any("hard" in edges for edges in SAMPLERS.spec(sampler).edges)
