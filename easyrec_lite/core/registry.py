"""Tables of named components: those of the package, found by folder, and the user's own.

A component is one folder of a package with two halves: `spec.py`, which declares it without
TensorFlow, and the module of its computation. A registry finds the folders by itself, so that no
list of names exists anywhere else. A user's module, loaded by `--import MODULE`, declares its
components in the same tables.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar, cast

from easyrec_lite.core.errors import ConfigError, Problem, nearest

T = TypeVar("T")


class Declared(Protocol):
    """What a registry needs to know of a spec.

    Attributes:
      names: the names under which a config asks for the component.
      implementation: the module that registers the computation; "" when it is registered already.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which a config asks for the component."""

    @property
    def implementation(self) -> str:
        """The module whose import registers the computation."""


S = TypeVar("S", bound=Declared)
D = TypeVar("D", bound=Declared)


class Registry(Generic[T]):
    """A table of named classes or functions.

    Args:
      kind: what the names name, for messages; e.g. `function`.
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
        """Returns all known names, sorted; imports no computation."""
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


class ComponentRegistry(Generic[S]):
    """A table of components: their specs, and their computations once they are needed.

    Args:
      kind: the config field that names them, for messages; e.g. `model_class`.
      package: the package whose folders hold them, each with a module `spec` that declares one
        component or a family of them.
    """

    def __init__(self, kind: str, package: str):
        self.kind = kind
        self.package = package
        self._specs: dict[str, S] = {}
        self._computations: dict[str, Any] = {}
        self._refused: dict[str, str] = {}
        self._searched = False

    def declare(self, spec: type[D]) -> type[D]:
        """Enters a spec under all its names; a decorator of the spec's class.

        Raises:
          ValueError: another component has one of the names.
        """
        made = cast(S, spec())
        for name in made.names:
            known = self._specs.get(name)
            if known is not None and type(known).__qualname__ != spec.__qualname__:
                raise ValueError(f"{self.kind} {name!r} is declared twice: {known!r}, {spec!r}")
            self._specs[name] = made
        return spec

    def implement(self, *names: str) -> Callable[[T], T]:
        """Returns a decorator that makes what it decorates the computation of `names`.

        Raises:
          ValueError: another computation has one of the names.
        """

        def enter(computation: T) -> T:
            for name in names:
                known = self._computations.get(name)
                if known is not None and known is not computation:
                    raise ValueError(
                        f"{self.kind} {name!r} is registered twice: {known!r}, {computation!r}"
                    )
                self._computations[name] = computation
            return computation

        return enter

    def refuse(self, remedies: Mapping[str, str]) -> None:
        """Notes names that are known but not offered, and what to do instead.

        Args:
          remedies: names, separated by spaces → what to do.
        """
        for names, remedy in remedies.items():
            self._refused |= dict.fromkeys(names.split(), remedy)

    def refused(self) -> list[str]:
        """Returns the names that are known but not offered, sorted."""
        self._search()
        return sorted(self._refused)

    def specs(self) -> list[S]:
        """Returns every spec once, in the order of their first names."""
        self._search()
        return list({id(spec): spec for _, spec in sorted(self._specs.items())}.values())

    def names(self) -> list[str]:
        """Returns all known names, sorted; imports no computation."""
        self._search()
        return sorted(self._specs)

    def __contains__(self, name: object) -> bool:
        self._search()
        return name in self._specs

    def find(self, name: str) -> S | None:
        """Returns the spec of `name`, None for an unknown name."""
        self._search()
        return self._specs.get(name)

    def spec(self, name: str) -> S:
        """Returns the spec of `name`.

        Raises:
          ConfigError: no such name; lists the known ones, the nearest first.
        """
        spec = self.find(name)
        if spec is None:
            raise ConfigError(self.unknown(name))
        return spec

    def get(self, name: str) -> Any:
        """Returns the computation of `name`, importing its module when needed.

        Raises:
          ConfigError: no such name; lists the known ones, the nearest first.
        """
        spec = self.spec(name)
        if name not in self._computations:
            importlib.import_module(spec.implementation)
        return self._computations[name]

    def unknown(self, name: str) -> Problem:
        """Returns the problem that `name` is not in this registry."""
        names = self.names()
        known = name in self._refused
        message = f"{self.kind} {name} is not offered" if known else f"unknown {self.kind} {name!r}"
        return Problem(
            message=message,
            expected="one of " + ", ".join(names),
            found=repr(name),
            nearest="" if known else nearest(name, names),
            remedy=self._refused.get(
                name, "use a known name, or register your own in a module named with --import"
            ),
        )

    def _search(self) -> None:
        """Imports the `spec` module of every folder of the package, once."""
        if self._searched:
            return
        self._searched = True
        package = importlib.util.find_spec(self.package)
        assert package is not None
        for folder in pkgutil.iter_modules(package.submodule_search_locations):
            module = f"{self.package}.{folder.name}.spec"
            if folder.ispkg and importlib.util.find_spec(module) is not None:
                importlib.import_module(module)


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
