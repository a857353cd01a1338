"""What an evaluation metric declares of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from easyrec_lite.checks.specs.base import Spec, register
from easyrec_lite.checks.specs.loss import Scored
from easyrec_lite.core.errors import Problem
from easyrec_lite.core.registry import ComponentRegistry

if TYPE_CHECKING:
    from easyrec_lite.checks.view import Named, View

T = TypeVar("T")


class MetricSpec(Spec):
    """A metric that `eval_config.metrics_set` names; `message` is its field there.

    Attributes:
      scored: `row` for a metric of one score a row, `candidates` for one that ranks a row's
        positive among the candidates of the batch, `vectors` for one that ranks a row's nearest
        rows.
      scored_too: another kind that it also has a form for; "" for none.
      bigger: whether a larger value is better.
      field: the field of its message that names the column that it groups rows by; "" for none.
    """

    scored: ClassVar[Scored] = "row"
    scored_too: ClassVar[str] = ""
    bigger: ClassVar[bool] = True
    field: ClassVar[str] = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of losses whose models it measures."""
        return tuple(kind for kind in (self.scored, self.scored_too) if kind)

    def reported(self, params: Any) -> list[str]:
        """Returns the names of the values that evaluation reports; `params` is its message."""
        return [self.name]

    def check(self, view: View, metric: Named) -> Iterator[Problem]:
        """Yields what is wrong with `metric`, this metric's message in the config."""
        yield from ()


METRICS: ComponentRegistry[MetricSpec] = ComponentRegistry("metric", "easyrec_lite.metrics")


def measured_kind(scored: Iterable[Scored]) -> Scored:
    """Returns the kind of metrics for a model that is trained by losses of these kinds."""
    kinds = set(scored)
    if "candidates" in kinds:
        return "candidates"
    return "vectors" if "vectors" in kinds else "row"


def metric_names(scored: Scored) -> list[str]:
    """Returns the names of the metrics of one kind, sorted."""
    specs = {name: METRICS.spec(name) for name in METRICS.names()}
    return sorted(name for name, spec in specs.items() if scored in spec.kinds)


def register_metric(declared: str | type[MetricSpec], **attributes: Any) -> Callable[[T], T]:
    """Returns a decorator that makes a function the maker of a metric of `metrics_set`.

    The function is given the metric's name, its message in the config and the name of the label
    field, and returns a `Metric`.

    Args:
      declared: a metric of the schema that is not offered; or the metric's spec.
      **attributes: attributes of the spec that is made of a name, such as `scored`.

    Raises:
      ValueError: the metric is offered already.
    """
    return register(METRICS, MetricSpec, declared, attributes)
