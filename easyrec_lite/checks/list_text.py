"""Lists as the text of a cell: which columns hold several values, and what joins them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from easyrec_lite.checks.view import View


@dataclass(frozen=True)
class ListText:
    """How a list is written as the text of a cell, so that features read it as the list.

    Example:
      >>> ListText({"history": ("|",)}).join("history", ["50", "181"])
      '50|181'

    Attributes:
      separators: column → the texts that join its values, the outermost first. A column of single
        values is not there, nor one that its features split at different texts.
    """

    separators: Mapping[str, tuple[str, ...]]

    def join(self, column: str, values: Sequence[object]) -> str:
        """Returns the text of a list; the entries of nested lists are joined by the inner text.

        Raises:
          ValueError: the column takes no list, or an entry would be split when it is read.
        """
        return _join(values, self.separators.get(column, ()))


NO_LISTS = ListText({})


def list_text(view: View) -> ListText:
    """Returns how the columns of the features that some group uses write lists."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for feature in view.grouped_features.values():
        for number, column in enumerate(feature.inputs):
            separators = feature.spec.cell_separators(feature.config, number)
            if separators and all(separators):
                found.setdefault(column, set()).add(separators)
    return ListText({column: given.pop() for column, given in found.items() if len(given) == 1})


def _join(values: Sequence[object], separators: tuple[str, ...]) -> str:
    if not separators:
        raise ValueError("no list")
    outer, *inner = separators
    texts = [
        _join(value, tuple(inner)) if isinstance(value, list) else str(value) for value in values
    ]
    if any(outer in text for text in texts):
        raise ValueError(f"an entry contains {outer!r}")
    return outer.join(texts)
