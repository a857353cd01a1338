"""What all specs have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from easyrec_lite.checks.status import Status
from easyrec_lite.core.registry import ComponentRegistry

T = TypeVar("T")


class Spec:
    """One component, as it is known without TensorFlow.

    Attributes:
      name: what a config calls it.
      aliases: other names for it.
      module: the module with its computation, relative to the spec's folder; "" when the
        computation is registered beside the spec, as in a plug-in of one file.
      message: the field, in the `oneof` of the schema that holds the parameters of such
        components, that holds this one's; "" when it has no parameters or other ones.
      messages: each schema message that only this component reads → the status of its fields.
    """

    name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    module: ClassVar[str] = ""
    message: ClassVar[str] = ""
    messages: ClassVar[Mapping[str, Mapping[str, Status]]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which a config asks for the component."""
        return (self.name, *self.aliases)

    @property
    def implementation(self) -> str:
        """The full name of the module whose import registers the computation."""
        own = type(self).__module__
        return f"{own.rpartition('.')[0]}.{self.module}" if self.module else own


def register(
    registry: ComponentRegistry[Any],
    base: type[Spec],
    declared: str | type[Spec],
    attributes: Mapping[str, Any],
) -> Callable[[T], T]:
    """Returns a decorator that declares a component and makes what it decorates its computation.

    Args:
      registry: the table of such components.
      base: the spec that one made of a name derives from.
      declared: the component's spec, or its name.
      attributes: those of a spec that is made of a name.

    Raises:
      ValueError: another component has the name.
    """

    def enter(computation: T) -> T:
        spec = declared
        if isinstance(spec, str):
            own = {"name": spec, "__doc__": computation.__doc__}
            module = {"__module__": getattr(computation, "__module__", __name__)}
            spec = type(f"{spec}Spec", (base,), {**own, **module, **attributes})
        registry.declare(spec)
        return registry.implement(spec.name, *spec.aliases)(computation)

    return enter
