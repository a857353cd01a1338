"""Name → class tables that users can add to.

A registry knows its built-in names without importing their modules, so that a config can be
checked without TensorFlow; `get` imports the module, which registers the class by decorator.
User plug-ins register theirs when `--import MODULE` loads them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from easyrec_lite.core.errors import ConfigError, Problem, nearest

T = TypeVar("T")


class Registry(Generic[T]):
    """A table of named classes or functions.

    Args:
      kind: what the names name, for messages; e.g. `model_class`.
      builtin: each built-in name and the module of this package whose import registers it.
    """

    def __init__(self, kind: str, builtin: Mapping[str, str] | None = None):
        self.kind = kind
        self._modules = dict(builtin or {})
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Returns a decorator that enters what it decorates under `name`.

        Raises:
          ValueError: another entry has that name already.
        """

        def enter(entry: T) -> T:
            known = self._entries.get(name)
            if known is not None and known is not entry:
                raise ValueError(f"{self.kind} {name!r} is registered twice: {known!r}, {entry!r}")
            self._entries[name] = entry
            return entry

        return enter

    def names(self) -> list[str]:
        """Returns all known names, sorted; imports nothing."""
        return sorted({*self._modules, *self._entries})

    def builtin(self) -> list[str]:
        """Returns the names that come with this package, sorted."""
        return sorted(self._modules)

    def __contains__(self, name: object) -> bool:
        return name in self._modules or name in self._entries

    def get(self, name: str) -> T:
        """Returns the entry of `name`, importing its built-in module when needed.

        Raises:
          ConfigError: no such name; lists the known ones, the nearest first.
        """
        if name not in self:
            raise ConfigError(self.unknown(name))
        if name not in self._entries:
            importlib.import_module(self._modules[name])
        return self._entries[name]

    def unknown(self, name: str) -> Problem:
        """Returns the problem that `name` is not in this registry."""
        return Problem(
            message=f"unknown {self.kind} {name!r}",
            expected="one of " + ", ".join(self.names()),
            found=repr(name),
            nearest=nearest(name, self.names()),
            remedy="use a known name, or register your own in a module named with --import",
        )


def import_plugins(modules: list[str]) -> None:
    """Imports the user's plug-in modules, named on the command line by `--import`.

    Raises:
      ConfigError: a module cannot be found.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise ConfigError(
                Problem(
                    message=f"--import {module}: {error}",
                    remedy="name a module that Python can import from here (see PYTHONPATH)",
                )
            ) from error
