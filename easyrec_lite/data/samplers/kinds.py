"""The kinds of samplers by the name of their message in `data_config`, and what builds one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from easyrec_lite.config import Pipeline
from easyrec_lite.core.registry import Registry
from easyrec_lite.data.samplers.catalogue import Catalogue, Transform
from easyrec_lite.data.samplers.draw import WeightedDraw
from easyrec_lite.data.samplers.edges import Edges, read_edge_table
from easyrec_lite.data.samplers.sampler import (
    ITEM,
    Exclusion,
    HardNegatives,
    Located,
    Lookup,
    Sampler,
    log_shortage,
)
from easyrec_lite.data.tables.item_table import ItemTable, read_item_table, sampler_fields


@dataclass(frozen=True)
class Request:
    """What a sampler is built from.

    Attributes:
      pipeline: the config.
      kind: the field of `data_config` that is set, e.g. `negative_sampler`.
      transform: raw columns → values of the item side's features, as many rows.
      training: whether it serves training or evaluation.
      seed: what all draws depend on, besides the position.
    """

    pipeline: Pipeline
    kind: str
    transform: Transform
    training: bool
    seed: int

    @property
    def config(self) -> Any:
        """The sampler's own message."""
        return getattr(self.pipeline.config.data_config, self.kind)

    @property
    def size(self) -> int:
        """How many items to draw for a batch."""
        config = self.config
        return config.num_sample if self.training else config.num_eval_sample or config.num_sample

    @property
    def batch_size(self) -> int:
        """The largest number of rows in a batch."""
        config = self.pipeline.config.data_config
        return config.batch_size if self.training else config.eval_batch_size

    def catalogue(self, path: str) -> Catalogue:
        """Reads the item table at `path` and transforms it.

        Raises:
          ConfigError: `attr_fields` or `item_id_field` is no input field.
          DataError: the table is missing or has bad lines.
        """
        config = self.config
        items = self._items(path)
        return Catalogue(items, config.item_id_field, self.transform, config.weight_power)

    def _items(self, path: str) -> ItemTable:
        config, name = self.config, f"data_config.{self.kind}"
        attributes = sampler_fields(self.pipeline, config.attr_fields, f"{name}.attr_fields")
        integer_ids = self._holds_integers("item_id_field")
        return read_item_table(Path(path), attributes, config.attr_delimiter, integer_ids)

    def edges(self, path_field: str, catalogue: Catalogue) -> Edges:
        """Reads the edges between users and items of the catalogue, at the path in `path_field`.

        Raises:
          ConfigError: `user_id_field` is no input field.
          DataError: the table is missing or has bad lines.
        """
        of_users = self._holds_integers("user_id_field")
        of_items = self._holds_integers("item_id_field")
        path = Path(getattr(self.config, path_field))
        edges = read_edge_table(path, of_users, of_items)
        return Edges(edges, catalogue.rows, self.config.user_id_field, path_field)

    def _holds_integers(self, name: str) -> bool:
        path = f"data_config.{self.kind}.{name}"
        (field,) = sampler_fields(self.pipeline, [getattr(self.config, name)], path)
        return field.type.startswith("INT")


SAMPLERS: Registry[Callable[[Request], Sampler]] = Registry(
    "sampler",
    {
        "negative_sampler": "easyrec_lite.data.samplers.weighted",
        "negative_sampler_in_memory": "easyrec_lite.data.samplers.weighted",
        "negative_sampler_v2": "easyrec_lite.data.samplers.positive_edges",
        "hard_negative_sampler": "easyrec_lite.data.samplers.hard_edges",
        "hard_negative_sampler_v2": "easyrec_lite.data.samplers.hard_edges",
    },
)


def build(
    request: Request,
    catalogue: Catalogue,
    edges: Iterable[Edges] = (),
    exclusions: Iterable[Exclusion] = (),
    hard: HardNegatives | None = None,
) -> Sampler:
    """Returns a sampler that bars the batch's own items and those of `exclusions`.

    Args:
      request: what it is built from.
      catalogue: the items.
      edges: those that `exclusions` and `hard` read.
      exclusions: what else is not drawn.
      hard: chooses hard negatives.
    """
    draw = WeightedDraw(catalogue.weights, request.seed)
    log_shortage(draw.count, request.size, request.batch_size)
    lookups = {ITEM: Lookup(request.config.item_id_field, catalogue.rows)}
    for each in edges:
        lookups |= each.lookups
    return Sampler(catalogue, draw, request.size, lookups, [_own, *exclusions], hard)


def _own(located: Located) -> tf.Tensor:
    rows = located[ITEM]
    return tf.boolean_mask(rows, rows >= 0)
