"""What a model declares of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from easyrec_lite.checks.specs.base import Spec, register
from easyrec_lite.checks.specs.loss import Scored
from easyrec_lite.core.errors import Problem, nearest
from easyrec_lite.core.registry import ComponentRegistry
from easyrec_lite.protos.messages import EasyRecModel

if TYPE_CHECKING:
    from easyrec_lite.checks.view import View

M = TypeVar("M")


class Sides(NamedTuple):
    """The feature groups that each side of a retrieval model reads.

    Each maps a group to the way to it from the side's output, e.g. `user_dnn ← user_mlp ← user`.
    """

    user: dict[str, str]
    item: dict[str, str]


class DenseLayer(NamedTuple):
    """A dense layer, for the memory estimate.

    Attributes:
      inputs, units: its kernel is [inputs, units].
      values: numbers beside a unit's kernel column: bias, and what batch normalisation keeps.
    """

    inputs: int
    units: int
    values: int = 1


class ModelSpec(Spec):
    """A model that `model_class` names.

    A retrieval model with fixed groups only names them; one whose groups the config decides
    overrides `sides`.

    Example:
      >>> class TwoInterestsSpec(ModelSpec):
      ...     name = "TwoInterests"
      ...     user_groups = ("user",)
      ...     item_groups = ("item",)
      ...     vectors = 2

    Attributes:
      task: `retrieval` for a model with a user side and an item side, each of which gives vectors;
        else the name of another task.
      user_groups, item_groups: the feature groups that each side reads, by their fixed names.
      optional_groups: the feature groups that it also reads if there are any.
      trained_by: which kinds of losses can train it.
      vectors: K, how many vectors it has for a user; see `interests`.
      message_required: whether its own message must be there, even if empty.
      reads_attention: whether its groups may have `sequence_features`: it takes their vectors from
        `GroupEmbeddings`.
      reads_steps: whether it takes the steps of a sequence, which then needs no combiner.
      reads_backbone: whether it is made of the blocks of `backbone`.
      reads_pairs: whether it computes a group with `negative_sampler` for each row with each
        sampled item; such a model has sampled items though each row is scored alone.
    """

    task: ClassVar[str] = "retrieval"
    user_groups: ClassVar[tuple[str, ...]] = ()
    item_groups: ClassVar[tuple[str, ...]] = ()
    optional_groups: ClassVar[tuple[str, ...]] = ()
    trained_by: ClassVar[tuple[Scored, ...]] = ("row", "candidates")
    vectors: ClassVar[int] = 1
    message_required: ClassVar[bool] = True
    reads_attention: ClassVar[bool] = False
    reads_steps: ClassVar[bool] = False
    reads_backbone: ClassVar[bool] = False
    reads_pairs: ClassVar[bool] = False

    def params(self, model_config: EasyRecModel) -> Any:
        """Returns the message with the model's own parameters; `custom_params` when it has none."""
        return getattr(model_config, self.message or "custom_params")

    def path(self) -> str:
        """Returns the config path of the model's own parameters."""
        return f"model_config.{self.message or 'custom_params'}"

    def sides(self, view: View) -> Sides:
        """Returns the groups of both sides; empty where the config does not say."""
        return Sides(
            {group: group for group in self.user_groups},
            {group: group for group in self.item_groups},
        )

    def interests(self, view: View) -> int:
        """Returns K, how many vectors the model has for a user by this config."""
        return self.vectors

    def shared_negatives(self, view: View) -> str | None:
        """Returns in words which negatives all rows share; None: the batch's own items compete."""
        return None

    def step_sequences(self, view: View) -> list[str]:
        """Returns the sequences that the model reads together, step by step.

        A row in which they have unequal numbers of steps is a bad row.
        """
        return []

    def item_id(self, model_config: EasyRecModel) -> str:
        """Returns the field that the model's own message names as the item's id, "" for none."""
        return str(getattr(self.params(model_config), "item_id", ""))

    def user_id(self, model_config: EasyRecModel) -> str:
        """Returns the field that the model's own message names as the user's id, "" for none."""
        return ""

    def session_id(self, model_config: EasyRecModel) -> str:
        """Returns the field of the sessions that the model itself compares, "" for none."""
        return ""

    def item_ids(self, view: View) -> set[str]:
        """Returns every column or feature that the model's own message calls the item's id."""
        return {self.item_id(view.model_config)} - {""}

    def losses(self, view: View) -> list[str] | None:
        """Returns the names of the losses that evaluation reports; None when they are not known."""
        return None

    def dense_layers(self, view: View) -> list[DenseLayer] | None:
        """Returns the dense layers of both sides; None when they are not known."""
        return None

    def memory(self, view: View) -> dict[str, int]:
        """Returns what it holds in training beside its dense layers' outputs: part → bytes."""
        return {}

    def check(self, view: View) -> Iterator[Problem]:
        """Yields what is wrong with the config as this model sees it."""
        yield from self.check_message(view)
        yield from self.check_groups(view)
        yield from self.check_losses(view)
        if view.model_config.HasField("backbone") and not self.reads_backbone:
            readers = [spec.name for spec in MODELS.specs() if spec.reads_backbone]
            yield view.error(
                "model_config.backbone",
                f"model {self.name} does not read its backbone",
                remedy=f'set model_class: "{" or ".join(readers)}", or remove the backbone',
            )

    def check_message(self, view: View) -> Iterator[Problem]:
        """The model's parameters are there, and are its own."""
        given = view.model.name if view.model else ""
        if given == self.message:
            return
        if given:
            owner = next((spec.name for spec in MODELS.specs() if spec.message == given), "")
            wanted = f"write {self.message} {{...}}" if self.message else f"remove {given}"
            yield view.error(
                f"model_config.{given}",
                f"model_class is {self.name}, but the parameters are those of another model",
                expected=f"{self.message} {{...}}" if self.message else "custom_params {...}",
                found=f"{given} {{...}}",
                remedy=f'set model_class: "{owner}", or {wanted}' if owner else wanted,
            )
        elif self.message_required:
            yield view.error(
                "model_config",
                f"model {self.name} has no parameters",
                expected=f"{self.message} {{...}}",
                remedy=f"write {self.message} {{...}} inside model_config",
            )

    def check_groups(self, view: View) -> Iterator[Problem]:
        """The groups that have fixed names are there, and no others."""
        needed = [*self.user_groups, *self.item_groups]
        if not needed:
            return
        extra = [group for group in view.groups if group not in (*needed, *self.optional_groups)]
        for group in needed:
            if group not in view.groups:
                yield view.error(
                    "model_config.feature_groups",
                    f"model {self.name} has no feature group {group!r}",
                    expected="groups " + ", ".join(needed),
                    found="groups " + (", ".join(view.groups) or "none"),
                    nearest=nearest(group, extra),
                    remedy=f'name a group "{group}"',
                )
        for group in extra:
            yield view.warning(
                view.groups[group].path,
                f"model {self.name} does not read feature group {group!r}",
                expected="groups " + ", ".join(needed),
                remedy="remove the group",
            )

    def check_losses(self, view: View) -> Iterator[Problem]:
        """The losses are of a kind that can train the model."""
        for loss in view.losses:
            spec = view.loss_spec(loss)
            if spec is not None and spec.scored not in self.trained_by:
                names = view.loss_names(self.trained_by)
                yield view.error(
                    loss.path,
                    f"{self.name} cannot be trained by {loss.name}",
                    expected="loss_type: " + " or ".join(names),
                    found=loss.name + (" (the default)" if view.loss_is_default else ""),
                    remedy=f"set model_config.loss_type: {names[0]}",
                )


MODELS: ComponentRegistry[ModelSpec] = ComponentRegistry(
    "model_class", "easyrec_lite.models.retrieval"
)


def register_model(
    declared: str | type[ModelSpec], **attributes: Any
) -> Callable[[type[M]], type[M]]:
    """Returns a decorator that enters a model of one's own under a name for `model_class`.

    Args:
      declared: the model's spec; or its name, which makes a spec of the one that the model's base
        class has (`Model.spec`).
      **attributes: attributes of the spec that is made of a name, such as `user_groups`.

    Raises:
      ValueError: another model has the name.

    Example:
      >>> from easyrec_lite import TwoTowerModel, register_model  # doctest: +SKIP
      >>> @register_model("LinearTowers")                         # doctest: +SKIP
      ... class LinearTowers(TwoTowerModel): ...
    """

    def enter(model: type[M]) -> type[M]:
        base: type[ModelSpec] = getattr(model, "spec", ModelSpec)
        return register(MODELS, base, declared, attributes)(model)

    return enter
