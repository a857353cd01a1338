"""A loaded config: the message, and where in the file each of its fields is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from easyrec_lite.core.errors import Place, Problem

if TYPE_CHECKING:
    from easyrec_lite.protos.messages import EasyRecConfig


@dataclass(frozen=True)
class ConfigSource:
    """The text of a config, and where its fields are written.

    Attributes:
      file: file name, as messages show it.
      text: the whole text of the file, before edits.
      positions: config path such as `feature_config.features[2].embedding_dim` → its place. A
        repeated field has an entry for itself (its first element's place) and for each element.
    """

    file: str
    text: str
    positions: Mapping[str, Place] = field(default_factory=dict, repr=False)

    def place(self, path: str) -> Place:
        """Returns the place of `path`, else of the nearest enclosing message that is written."""
        while path:
            found = self.positions.get(path)
            if found is not None:
                return found
            path = parent_path(path)
        return Place(self.file)


@dataclass(frozen=True)
class Pipeline:
    """An `EasyRecConfig` with edits applied. Treat it as read-only.

    Attributes:
      config: the `EasyRecConfig` message.
      source: the text that it is loaded from.
      warnings: the warnings of loading; a pipeline has no errors.
    """

    config: EasyRecConfig
    source: ConfigSource
    warnings: tuple[Problem, ...] = ()

    @property
    def file(self) -> str:
        """The name of the config file."""
        return self.source.file

    def place(self, path: str) -> Place:
        """Returns the place of config path `path`, else of the nearest enclosing message.

        A field set on the command line has the place `--edit_config_json`. A path of which no part
        is written has the file as its place.
        """
        return self.source.place(path)


def parent_path(path: str) -> str:
    """Returns `path` without its last step: `a.b[2].c` → `a.b[2]` → `a.b` → `a` → ``."""
    return path[: max(path.rfind("."), path.rfind("["), 0)]
