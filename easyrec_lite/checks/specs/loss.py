"""What a loss declares of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from easyrec_lite.checks.specs.base import Spec, register
from easyrec_lite.core.errors import Problem
from easyrec_lite.core.registry import ComponentRegistry
from easyrec_lite.protos import enum_descriptor

if TYPE_CHECKING:
    from easyrec_lite.checks.view import Named, View

T = TypeVar("T")
# Larger numbers are extensions of the schema.
LAST_OF_EASYREC = 5000
Scored = Literal["row", "candidates", "mined", "vectors"]


class LossSpec(Spec):
    """A loss that `loss_type` names.

    Attributes:
      scored: `row` for a loss over one score a row (pointwise, over pairs, over sessions);
        `candidates` for one in which a row's positive competes with other items; `mined` for one
        over the vectors of a batch, in which a row's positive competes with items of other rows
        that the loss selects; `vectors` for one over pairs of rows with one vector each.
      prediction: what a model that is trained by it predicts: a `probability`, the `logit` itself
        or its `sigmoid`.
      teacher: how distillation by this loss sees a teacher's column: as a `probability`, as a
        `score` like the student's logit, or as the `regression` of the student's sigmoid.
      labels: the lowest and the highest label that it takes; None for any.
      mixed_name: what EasyRec's models with losses of several kinds call it; "" for `shown`.
    """

    scored: ClassVar[Scored] = "row"
    prediction: ClassVar[Literal["probability", "logit", "sigmoid"]] = "probability"
    teacher: ClassVar[Literal["probability", "score", "regression"]] = "score"
    labels: ClassVar[tuple[float, float] | None] = None
    mixed_name: ClassVar[str] = ""

    def shown(self, name: str) -> str:
        """Returns what logs call the loss when a config asks for it by `name`."""
        return name.lower()

    def check(self, view: View, loss: Named) -> Iterator[Problem]:
        """Yields what is wrong with the config as this loss sees it.

        Args:
          view: the config.
          loss: the entry of `losses`, or `loss_type`, that names it.
        """
        yield from ()

    def memory(self, view: View) -> dict[str, int]:
        """Returns what the loss holds in memory while training: part → bytes."""
        return {}


LOSSES: ComponentRegistry[LossSpec] = ComponentRegistry("loss_type", "easyrec_lite.losses")


def loss_names(scored: Scored) -> list[str]:
    """Returns the names of the losses of one kind, sorted; those of this package come last."""
    numbers = enum_descriptor("LossType").values_by_name
    names = [name for name in LOSSES.names() if LOSSES.spec(name).scored == scored]
    return sorted(names, key=lambda name: (numbers[name].number > LAST_OF_EASYREC, name))


def register_loss(declared: str | type[LossSpec], **attributes: Any) -> Callable[[T], T]:
    """Returns a decorator that makes a function the computation of a `loss_type`.

    The function computes the loss from the scores of a batch (`Scores`) and the message with its
    parameters, None when it has none: float32 [B] → a scalar.

    Args:
      declared: a `loss_type` of the schema that is not offered; or the loss's spec.
      **attributes: attributes of the spec that is made of a name, such as `prediction`.

    Raises:
      ValueError: the loss is offered already.

    Example:
      >>> import tensorflow as tf
      >>> @register_loss("ORDER_CALIBRATE_LOSS", prediction="logit")
      ... def huber(scores, params):
      ...     distance = tf.abs(scores.labels - scores.logits)
      ...     values = tf.where(distance < 1, distance**2 / 2, distance - 0.5)
      ...     return tf.reduce_mean(values)
    """
    return register(LOSSES, LossSpec, declared, attributes)
