"""What all specs have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from easyrec_lite.checks.status import Status


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
