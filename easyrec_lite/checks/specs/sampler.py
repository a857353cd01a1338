"""What a negative sampler declares of itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from google.protobuf.message import Message

from easyrec_lite.checks.sampler_memory import table_bytes
from easyrec_lite.checks.specs.base import Spec
from easyrec_lite.checks.status import Status, fields
from easyrec_lite.core.errors import Problem
from easyrec_lite.core.registry import ComponentRegistry
from easyrec_lite.protos.messages import DatasetConfig

if TYPE_CHECKING:
    from easyrec_lite.checks.view import Named, View


class SamplerSpec(Spec):
    """A sampler of negatives, which a field of `data_config` asks for; that field is its name.

    It draws items of an item table for each batch. Its computation is a function from a
    `SamplerRequest` to a `Sampler`; see `easyrec_lite.data.samplers`.

    Attributes:
      items: the field of its message that names the item table.
      edges: the fields that name the tables of edges between users and items that it reads.
      user: the field that names the column of the user's id; "" when it needs no user.
      counts: the fields that say how many items it draws.
    """

    items: ClassVar[str] = "item_input_path"
    edges: ClassVar[tuple[str, ...]] = ()
    user: ClassVar[str] = ""
    counts: ClassVar[tuple[str, ...]] = ("num_sample",)

    def item_table(self, message: Message) -> str:
        """Returns the path of the item table, "" when the config names none."""
        return str(getattr(message, self.items))

    def user_id(self, message: Message) -> str:
        """Returns the column of the user's id, "" when the sampler needs none."""
        return str(getattr(message, self.user)) if self.user else ""

    def files(self, message: Message) -> Iterator[tuple[str, str]]:
        """Yields (field, path) of the files that it reads."""
        for field in (self.items, *self.edges):
            yield field, str(getattr(message, field))

    def memory(self, view: View) -> int | None:
        """Returns the bytes that its tables take, about; None when a file is missing."""
        return table_bytes(self, view)

    def check(self, view: View, sampler: Named) -> Iterator[Problem]:
        """Yields what is wrong with `sampler`, this sampler's message in the config."""
        yield from self.check_loss(view, sampler)
        yield from self.check_columns(view, sampler)
        yield from self.check_attributes(view, sampler)
        yield from self.check_numbers(view, sampler)
        yield from self.check_item_features(view, sampler)

    def check_loss(self, view: View, sampler: Named) -> Iterator[Problem]:
        """The loss lets negatives compete with a row's positive."""
        if view.samples:
            return
        names = view.loss_names(["candidates"])
        if view.loss_is_default:
            yield view.warning(
                sampler.path,
                f"{sampler.name} has no effect: without loss_type the model is pointwise "
                f"({view.losses[0].name})",
                remedy=f"set model_config.loss_type: {names[0]}, or remove the sampler",
            )
        else:
            yield view.error(
                sampler.path,
                f"{sampler.name} draws negatives, and loss {view.losses[0].name} has no use for "
                "them",
                expected="loss_type: " + " or ".join(names),
                found=view.losses[0].name,
                remedy="set the loss_type, or remove the sampler",
            )

    def check_columns(self, view: View, sampler: Named) -> Iterator[Problem]:
        """The columns that it names are input fields."""
        config = sampler.config
        named = [("item_id_field", config.item_id_field)]
        if self.user:
            named.append((self.user, getattr(config, self.user)))
        named += [(f"attr_fields[{index}]", name) for index, name in enumerate(config.attr_fields)]
        for field, name in named:
            if name not in view.fields:
                yield view.unknown(
                    f"{sampler.path}.{field}",
                    f"input field of {sampler.name}:",
                    name,
                    view.fields,
                    remedy="name a field of data_config.input_fields",
                )

    def check_attributes(self, view: View, sampler: Named) -> Iterator[Problem]:
        """The attribute column of the item table can be cut into attributes of different names."""
        attributes = list(sampler.config.attr_fields)
        for index, name in enumerate(attributes):
            if name in attributes[:index]:
                yield view.error(
                    f"{sampler.path}.attr_fields[{index}]",
                    f"attr_fields names {name!r} twice",
                    remedy="name each part of the table's attribute column once, in order",
                )
        if not sampler.config.attr_delimiter:
            yield view.error(
                f"{sampler.path}.attr_delimiter",
                "attr_delimiter is empty",
                expected="one character, e.g. :",
            )

    def check_numbers(self, view: View, sampler: Named) -> Iterator[Problem]:
        """It draws something, and the exponent of its weights keeps heavy items heavy."""
        for field in self.counts:
            if getattr(sampler.config, field) == 0:
                yield view.error(
                    f"{sampler.path}.{field}",
                    f"{field} is 0",
                    expected="a positive number",
                    remedy="set it, or remove the sampler",
                )
        power = sampler.config.weight_power
        if not (math.isfinite(power) and power >= 0):
            yield view.error(
                f"{sampler.path}.weight_power",
                f"weight_power is {power:g}",
                expected="a number ≥ 0: 1 draws by the table's weights, 0 all items alike",
            )

    def check_item_features(self, view: View, sampler: Named) -> Iterator[Problem]:
        """Every feature of the item side can be computed for sampled items."""
        known = sampler.config.attr_fields
        reported: set[str] = set()
        for group in view.sides.item:
            for feature in view.read_features(group):
                missing = [name for name in feature.inputs if name not in known]
                if not missing or feature.name in reported:
                    continue
                reported.add(feature.name)
                yield view.error(
                    view.member_path(group, feature.name),
                    f"feature {feature.name!r} of item group {group!r} cannot be computed for "
                    f"sampled negatives: {sampler.name} has no attribute {missing[0]!r}",
                    expected="features of " + ", ".join(known),
                    found=", ".join(missing),
                    remedy=f"add {missing[0]!r} to {sampler.path}.attr_fields and to the item "
                    "table, or remove the feature from the group",
                )


SAMPLERS: ComponentRegistry[SamplerSpec] = ComponentRegistry(
    "sampler", "easyrec_lite.data.samplers"
)


def sampler_of(data_config: DatasetConfig) -> tuple[SamplerSpec, Any] | None:
    """Returns the sampler of a `DatasetConfig` message and its own message; None without one."""
    name = data_config.WhichOneof("sampler")
    return (SAMPLERS.spec(name), getattr(data_config, name)) if name else None


def message_fields(more: str, unread: str = "") -> dict[str, Status]:
    """Returns the statuses of the fields of a sampler's message.

    Args:
      more: the fields beside those that all samplers have.
      unread: fields that name tables which are not read.
    """
    return fields(
        "num_sample attr_fields item_id_field attr_delimiter num_eval_sample weight_power " + more,
        warned={
            "field_delimiter": "the sampler's files are tab-separated",
            unread: "the users are those of the batch, so that no table of them is read",
        },
    )
