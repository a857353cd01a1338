"""Which columns of the data hold the ids of users and items, and which a user's history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.item_id import ranked_id_field, user_id_field
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline

if TYPE_CHECKING:
    from easyrec_lite.protos.messages import EasyRecConfig


@dataclass(frozen=True)
class ListColumn:
    """A column of the user side whose cells hold several ids.

    Attributes:
      name: the column.
      separator: what separates the ids of a text; lists need none.
      kv_separator: what separates an id from its weight; '' without weights.
      order: `OLDEST_FIRST` or `NEWEST_FIRST`, '' where the config does not say.
    """

    name: str
    separator: str
    kv_separator: str
    order: str = ""

    def ids(self, cell: Any) -> list[str]:
        """Returns the ids in a cell of the column, which is a text or a list.

        Example:
          >>> ListColumn("tags", "|", ":").ids("a:0.5|b:2")
          ['a', 'b']
        """
        pieces = cell if isinstance(cell, list) else text(cell).split(self.separator)
        ids = [text(piece) for piece in pieces]
        if self.kv_separator:
            ids = [piece.split(self.kv_separator)[0] for piece in ids]
        return [piece for piece in ids if piece]


@dataclass(frozen=True)
class IdColumns:
    """Names of columns; '' where the config does not name one.

    Attributes:
      user: the user's id.
      item: the item's id.
      label: above 0 where the user took the row's item.
      lists: columns of the user side whose cells hold several ids.
    """

    user: str
    item: str
    label: str
    lists: tuple[ListColumn, ...]


def id_columns(pipeline: Pipeline, manifest: Mapping[str, Any]) -> IdColumns:
    """Returns the columns of ids, from a config and the manifest of an export with items."""
    config = pipeline.config
    view = View(pipeline)
    features = [feature for group in view.sides.user for feature in view.read_features(group)]
    labels = config.data_config.label_fields
    return IdColumns(
        user=_user(config, features),
        item=manifest["items"]["id_column"] or ranked_id_field(config),
        label=labels[0] if labels else "",
        lists=tuple(
            ListColumn(
                feature.inputs[0],
                feature.config.separator,
                feature.config.kv_separator,
                feature.step_order,
            )
            for feature in features
            if feature.spec.lists
        ),
    )


def text(value: Any) -> str:
    """Returns a raw value as text."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _user(config: EasyRecConfig, features: list[Feature]) -> str:
    """Returns the column that the config names, else that of the user side's largest id table."""
    named = user_id_field(config)
    ids = [feature for feature in features if feature.spec.one_id]
    largest = max(ids, key=lambda feature: feature.rows, default=None)
    fields = {field.input_name for field in config.data_config.input_fields}
    if named in fields:
        return named
    return largest.inputs[0] if largest is not None else ""
