"""What two-tower models have in common, as `check` sees it: towers, similarity, masks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.model import DenseLayer, ModelSpec
from easyrec_lite.checks.view import Named, View
from easyrec_lite.core.errors import Problem
from easyrec_lite.protos.messages import DNN, EasyRecModel

Problems = Iterator[Problem]
TOWERS = ("user_tower", "item_tower")
# The fields of the messages of two-tower models.
SIMILARITY_FIELDS = "simi_func temperature scale_simi "
MASK_FIELDS = "ignore_in_batch_neg_sam item_id mask_sampled_by_item_id "
TOWER_FIELDS = "user_tower item_tower l2_regularization " + MASK_FIELDS
NO_SIMILARITY = "so their outputs have no similarity"
# Values beside each weight of a batch-normalised unit: scale, shift and two moving statistics.
NORM_VALUES = 4


class RetrievalSpec(ModelSpec):
    """A model with the losses of two towers, whose message holds neither similarity nor masks."""

    def losses(self, view: View) -> list[str] | None:
        """Returns the names of the config's losses, those of teachers, and `reg_pos_loss`."""
        names = []
        for loss in view.losses:
            spec, given = view.loss_spec(loss), getattr(loss.config, "loss_name", "")
            names.append(given or (spec.shown(loss.name) if spec else loss.name))
        for teacher in view.model_config.kd:
            kind = enum_name(teacher, "loss_type").lower()
            names.append(teacher.loss_name or f"{kind}_{teacher.soft_label_name}")
        return [*names, "reg_pos_loss"] if view.listwise else names

    def params_given(self, view: View) -> bool:
        """Returns whether the config has the model's own parameters, or they may be left out."""
        return (view.model.name if view.model else "") in (self.message, "")

    def check_sequences(self, view: View, sequences: Sequence[str]) -> Problems:
        """The groups `sequences` have sequences alone, other groups none that is not pooled."""
        for group in (*self.user_groups, *self.item_groups, *self.optional_groups):
            for feature in view.group_features(group):
                if feature.stays_sequence != (group in sequences):
                    yield _misplaced(view, group, feature, sequences)


class TwoTowerSpec(RetrievalSpec):
    """A model of a user tower and an item tower, compared by cosine or inner product.

    A model without a message of its own reads `model_params`.
    """

    message = "model_params"
    message_required = False
    user_groups: ClassVar[tuple[str, ...]] = ("user",)
    item_groups: ClassVar[tuple[str, ...]] = ("item",)

    def check(self, view: View) -> Problems:
        """Yields what is wrong with the config as this model sees it."""
        yield from super().check(view)
        if self.params_given(view):
            yield from self.check_similarity(view)
            yield from self.check_temperature(view)
            yield from self.check_masks(view)

    def check_similarity(self, view: View) -> Problems:
        """The similarity is cosine or inner product, at a temperature above 0."""
        path, config = self.path(), self.params(view.model_config)
        function = enum_name(config, "simi_func")
        if function == "EUCLID":
            yield view.error(
                f"{path}.simi_func",
                "simi_func EUCLID is not offered",
                expected="COSINE or INNER_PRODUCT",
                remedy="use COSINE: it ranks normalised vectors as the Euclidean distance does",
            )
        if config.temperature <= 0:
            yield view.error(
                f"{path}.temperature",
                f"temperature is {config.temperature:g}",
                expected="a positive number",
            )
        yield from self.check_function(view, function)

    def check_function(self, view: View, function: str) -> Problems:
        """The options of the similarity have an effect with `simi_func` `function`."""
        if function == "INNER_PRODUCT" and self.params(view.model_config).temperature != 1:
            yield view.warning(
                f"{self.path()}.temperature",
                "temperature has no effect with simi_func INNER_PRODUCT",
                remedy="leave temperature out, or use COSINE",
            )

    def check_temperature(self, view: View) -> Problems:
        """A learnt temperature divides a cosine, alone scales it, and starts above its bound."""
        options, config = view.model_config.softmax, self.params(view.model_config)
        if not options.learn_temperature:
            return
        learnt = "model_config.softmax.learn_temperature"
        if getattr(config, "scale_simi", False):
            yield view.error(
                learnt,
                "learn_temperature and scale_simi both learn the scale of the similarity",
                expected=f"scale_simi: false in {self.path()}",
                found="scale_simi: true"
                + ("" if config.HasField("scale_simi") else f" (the default of {self.message})"),
                remedy="set scale_simi: false, or leave learn_temperature out",
            )
        yield from self.check_learnt_function(view, enum_name(config, "simi_func"), learnt)
        if 0 < config.temperature <= options.min_temperature:
            yield view.error(
                "model_config.softmax.min_temperature",
                "the temperature does not start above min_temperature",
                expected=f"less than {config.temperature:g}, the temperature of {self.path()}",
                found=f"{options.min_temperature:g}",
                remedy="lower min_temperature, or raise temperature",
            )

    def check_learnt_function(self, view: View, function: str, learnt: str) -> Problems:
        """A similarity without a temperature cannot learn one; `learnt` is the path that asks."""
        if function == "INNER_PRODUCT":
            yield view.error(
                learnt,
                "simi_func INNER_PRODUCT has no temperature to learn",
                expected="simi_func: COSINE",
                remedy="use COSINE, or leave learn_temperature out",
            )

    def check_masks(self, view: View) -> Problems:
        """The masks of in-batch negatives have what they need."""
        path, config = self.path(), self.params(view.model_config)
        if config.item_id and config.item_id not in view.fields:
            yield view.unknown(
                f"{path}.item_id",
                "input field in item_id:",
                config.item_id,
                view.fields,
                remedy="name a field of data_config.input_fields",
            )
        if config.mask_sampled_by_item_id and not config.item_id:
            yield view.error(
                f"{path}.mask_sampled_by_item_id",
                "mask_sampled_by_item_id has no item id to compare",
                expected="item_id: an input field",
                remedy="set item_id",
            )
        if config.ignore_in_batch_neg_sam and view.listwise and view.sampler is None:
            yield view.error(
                f"{path}.ignore_in_batch_neg_sam",
                "without in-batch negatives and without a sampler there is nothing to learn from",
                expected="a negative sampler in data_config",
                remedy="add one, or leave ignore_in_batch_neg_sam out",
            )


class FieldTowersSpec(TwoTowerSpec):
    """A two-tower model whose message has a `user_tower` and an `item_tower`, each with a DNN.

    Attributes:
      layers_optional: whether a tower without `hidden_units` is the joined embeddings.
    """

    message_required = True
    reads_attention = True
    layers_optional: ClassVar[bool] = False

    def towers(self, view: View) -> dict[str, Named]:
        """Returns the messages of both towers by name; empty where they are missing."""
        if view.model is None or view.model.name != self.message:
            return {}
        return {
            name: Named(name, f"{self.path()}.{name}", getattr(view.model.config, name))
            for name in TOWERS
        }

    def user_id(self, model_config: EasyRecModel) -> str:
        """Returns the `id` of the user tower."""
        return str(self.params(model_config).user_tower.id)

    def item_ids(self, view: View) -> set[str]:
        """Returns the `item_id`, and the `id` of the item tower."""
        return super().item_ids(view) | {
            tower.config.id for name, tower in self.towers(view).items() if name == "item_tower"
        } - {""}

    def check(self, view: View) -> Problems:
        """Yields what is wrong with the config as this model sees it."""
        yield from super().check(view)
        for tower in self.towers(view).values():
            dnn = Named(tower.name, f"{tower.path}.dnn", tower.config.dnn)
            if self.layers_optional and not dnn.config.hidden_units:
                yield from _no_layers(view, dnn)
            else:
                yield from check_dnn(view, dnn)
            yield from _id(view, tower)
        yield from self.check_widths(view)

    def check_widths(self, view: View) -> Problems:
        """The outputs of both towers are equally wide."""
        towers = self.towers(view).values()
        dnns = [Named(tower.name, f"{tower.path}.dnn", tower.config.dnn) for tower in towers]
        if not dnns:
            return
        if all(dnn.config.hidden_units for dnn in dnns) or not self.layers_optional:
            yield from check_one_width(view, dnns, NO_SIMILARITY)
        else:
            yield from self._check_embeddings(view, dnns)

    def _check_embeddings(self, view: View, dnns: Sequence[Named]) -> Problems:
        """The outputs are equally wide where a tower is the embeddings of its group."""
        groups = (*self.user_groups, *self.item_groups)
        if not all(view.group_features(group) for group in groups):
            return
        widths = [
            dnn.config.hidden_units[-1] if dnn.config.hidden_units else group_width(view, [group])
            for dnn, group in zip(dnns, groups, strict=True)
        ]
        if widths[0] != widths[1]:
            yield view.error(
                next(dnn.path for dnn in dnns if not dnn.config.hidden_units),
                f"{dnns[0].name} and {dnns[1].name} are of unequal width, {NO_SIMILARITY}: without "
                "hidden_units a tower is the joined embeddings of its group",
                expected="equal widths",
                found=" and ".join(map(str, widths)),
                remedy="use one embedding_dim on both sides, or set hidden_units",
            )

    def dense_layers(self, view: View) -> list[DenseLayer] | None:
        """Returns the layers of both towers' DNNs, and what `field_layers` adds before them."""
        sides = (self.user_groups, self.item_groups)
        layers: list[DenseLayer] = []
        for tower, groups in zip(self.towers(view).values(), sides, strict=False):
            layers += self.field_layers(tower, view.field_widths(groups[0]))
            layers += dnn_layers(tower.config.dnn, group_width(view, groups))
        return layers

    def field_layers(self, tower: Named, widths: list[int]) -> list[DenseLayer]:
        """Returns the dense layers before a tower's DNN, over fields of these widths."""
        return []


def _misplaced(view: View, group: str, feature: Feature, sequences: Sequence[str]) -> Problem:
    path = view.member_path(group, feature.name)
    named = " or ".join(map(repr, sequences))
    if group in sequences:
        return view.error(
            path,
            f"group {group!r} has feature {feature.name!r}, which is no sequence",
            expected="a SequenceFeature without sequence_combiner",
            found=feature.kind,
            remedy="name it in a group of single vectors",
        )
    return view.error(
        path,
        f"group {group!r} has the sequence {feature.name!r}, which is not pooled",
        expected="one vector for each feature",
        found=f"{feature.kind} without sequence_combiner",
        remedy=f"name it in group {named}, or give it a sequence_combiner",
    )


def group_width(view: View, groups: Iterable[str]) -> int:
    """Returns how many numbers some groups give for a row, joined."""
    return sum(sum(view.field_widths(group)) for group in groups)


def dnn_layers(dnn: DNN, inputs: int) -> list[DenseLayer]:
    """Returns the dense layers of a `DNN` message for inputs [..., inputs]."""
    layers = []
    for units in dnn.hidden_units:
        layers.append(DenseLayer(inputs, units, 1 + NORM_VALUES * dnn.use_bn))
        inputs = units
    return layers


def check_dnn(view: View, dnn: Named, plain_end: bool = True) -> Problems:
    """A `DNN` message has layers, with rates of dropout.

    Args:
      view: the config.
      dnn: the message, under the name that problems give it.
      plain_end: whether its last layer is dense alone, without dropout.
    """
    units = list(dnn.config.hidden_units)
    if not units or 0 in units:
        yield view.error(
            f"{dnn.path}.hidden_units" if units else dnn.path,
            f"{dnn.name} has a layer of 0 units" if units else f"{dnn.name} has no layers",
            expected="hidden_units: one positive number a layer",
            remedy="set hidden_units, e.g. [128, 32]",
        )
    yield from _dropout(view, dnn, plain_end)


def check_one_width(view: View, dnns: Sequence[Named], why: str) -> Problems:
    """The last layers of two or more `DNN` messages are equally wide; `why` they must be."""
    first, *others = dnns
    for dnn in others:
        width, units = first.config.hidden_units[-1:], list(dnn.config.hidden_units)
        if width and units and width[0] != units[-1]:
            yield view.error(
                f"{dnn.path}.hidden_units[{len(units) - 1}]",
                f"the last layers of {first.name} and {dnn.name} are of unequal width, {why}",
                expected=f"{width[0]}, as in {first.name}",
                found=str(units[-1]),
                remedy=f"make the last hidden_units of {first.name} and {dnn.name} equal",
            )


def _no_layers(view: View, dnn: Named) -> Problems:
    """Options of layers have no effect without layers."""
    for field, _ in dnn.config.ListFields():
        yield view.warning(
            f"{dnn.path}.{field.name}",
            f"{field.name} has no effect: {dnn.name} has no hidden_units, and is its embeddings",
            remedy=f"leave {field.name} out, or set hidden_units",
        )


def _dropout(view: View, dnn: Named, plain_end: bool) -> Problems:
    rates = list(dnn.config.dropout_ratio)
    layers = len(dnn.config.hidden_units) - plain_end
    for rate in rates:
        if not 0 <= rate < 1:
            yield view.error(
                f"{dnn.path}.dropout_ratio",
                f"{dnn.name} drops a share of {rate:g}",
                expected="at least 0, less than 1",
            )
    if rates and len(rates) < layers:
        but = " but the last" if plain_end else ""
        yield view.error(
            f"{dnn.path}.dropout_ratio",
            f"{dnn.name} has {layers} layers that drop, and {len(rates)} dropout ratios",
            expected=f"{layers}, one for each layer{but}",
            remedy="add the missing ones; 0 drops nothing",
        )


def _id(view: View, tower: Named) -> Problems:
    """A tower's `id` names a column or feature; it is a note to the reader and nothing more."""
    known = {*view.fields, *view.feature_by_name}
    if tower.config.id not in known:
        yield view.unknown(
            f"{tower.path}.id",
            f"id of {tower.name}:",
            tower.config.id,
            known,
            remedy="name the id's input field",
            severity="warning",
        )
