"""What a section of the report is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.markup import Child


@dataclass(frozen=True)
class Section:
    """A section.

    Attributes:
      key: its id in the page.
      title: its heading.
      body: from the model folder to its content.
    """

    key: str
    title: str
    body: Callable[[ModelFolder], list[Child]]
