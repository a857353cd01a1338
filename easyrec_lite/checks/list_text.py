"""Lists as the text of a cell: which columns hold several values, and what joins them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.reader import READERS
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


def number_lists(view: View) -> dict[str, tuple[str, ...]]:
    """Returns the columns that hold lists of numbers → what joins them as text.

    Those are the numeric columns that features split, of an `input_type` whose cells may be lists.
    Their text forms are in item tables and in the inputs of SavedModels.
    """
    reader = READERS.find(enum_name(view.data, "input_type"))
    if reader is None or not reader.lists:
        return {}
    separators = list_text(view).separators
    return {
        name: joined
        for name, joined in separators.items()
        if view.field_type(name) not in ("STRING", "")
    }


@dataclass(frozen=True)
class ServedColumns:
    """How SavedModels take the columns of several values a row.

    Attributes:
      lists: columns [B, L]: those of `multi_value_fields`, and vectors of numbers.
      texts: numeric columns of any number of values, which are text [B].
      padded: numeric columns of any number of values that `multi_value_fields` makes [B, L], so
        that padding cannot be told from values.
      separators: column → the texts that join its values, the outermost first.
    """

    lists: frozenset[str]
    texts: frozenset[str]
    padded: frozenset[str]
    separators: Mapping[str, tuple[str, ...]]


def served_columns(view: View) -> ServedColumns:
    """Returns how the SavedModels of a config take columns of several values."""
    given = frozenset(view.config.export_config.multi_value_fields.input_name)
    numbers = number_lists(view)
    several = {
        name
        for feature in view.grouped_features.values()
        if not feature.spec.reads_vector(feature.config)
        for name in feature.inputs
    }
    any_number = several & numbers.keys()
    return ServedColumns(
        given | (numbers.keys() - any_number),
        frozenset(any_number - given),
        frozenset(any_number & given),
        list_text(view).separators,
    )


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
