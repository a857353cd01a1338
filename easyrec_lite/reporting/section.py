"""What a section of the report is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.rendering import render


@dataclass(frozen=True)
class Section:
    """A section of the report: the template `KEY.html`, and what fills it.

    Attributes:
      key: name of the template, and the section's id in the page.
      title: its heading.
      content: reads the model folder and returns the values that the template shows.
    """

    key: str
    title: str
    content: Callable[[ModelFolder], Mapping[str, object]]

    def body(self, folder: ModelFolder) -> Markup:
        """Returns what stands below the heading.

        Raises:
          DataError: a file of the folder is damaged.
        """
        return render(f"{self.key}.html", folder=folder, **self.content(folder))
