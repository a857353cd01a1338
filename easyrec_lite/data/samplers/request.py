"""What a sampler is built from: its config, its tables, and the transform of items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from easyrec_lite.checks.encoding import text_codec
from easyrec_lite.checks.specs.sampler import SAMPLERS, SamplerSpec
from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.cells import CellCheck, nothing
from easyrec_lite.data.samplers.catalogue import Catalogue, Transform
from easyrec_lite.data.samplers.draw import WeightedDraw
from easyrec_lite.data.samplers.edges import Edges
from easyrec_lite.data.samplers.sampler import (
    ITEM,
    Exclusion,
    HardNegatives,
    Located,
    Lookup,
    Sampler,
    log_shortage,
)
from easyrec_lite.data.tables.edge_table import read_edge_table
from easyrec_lite.data.tables.item_cells import require_readable
from easyrec_lite.data.tables.item_table import (
    ItemTable,
    attribute_fields,
    named_fields,
    read_item_table,
)


@dataclass(frozen=True)
class SamplerRequest:
    """What a sampler is built from.

    Attributes:
      pipeline: the config.
      name: the field of `data_config` that asks for it.
      transform: raw columns of items → the values of their features.
      training: whether it is for training or for evaluation.
      seed: with the position, all that draws follow from.
      cells: what the items' attributes must be for the transform.
    """

    pipeline: Pipeline
    name: str
    transform: Transform
    training: bool
    seed: int
    cells: CellCheck = nothing

    @property
    def spec(self) -> SamplerSpec:
        """The sampler's spec."""
        return SAMPLERS.spec(self.name)

    @property
    def config(self) -> Any:
        """The sampler's own message."""
        return getattr(self.pipeline.config.data_config, self.name)

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

    def catalogue(self) -> Catalogue:
        """Reads the item table and transforms it.

        Raises:
          ConfigError: `attr_fields` or `item_id_field` is no input field.
          DataError: the table is missing or has bad lines, or attributes that no feature can read.
        """
        config = self.config
        items = self._items()
        require_readable(items, self.cells)
        return Catalogue(items, config.item_id_field, self.transform, config.weight_power)

    def _items(self) -> ItemTable:
        config, name = self.config, f"data_config.{self.name}"
        attributes = attribute_fields(self.pipeline, config.attr_fields, f"{name}.attr_fields")
        (item,) = named_fields(self.pipeline, [config.item_id_field], f"{name}.item_id_field")
        path = self.spec.item_table(config)
        return read_item_table(
            path, attributes, config.attr_delimiter, item, encoding=self._encoding
        )

    @property
    def _encoding(self) -> str:
        return text_codec(self.pipeline.config.data_config)

    def edges(self, path_field: str, catalogue: Catalogue) -> Edges:
        """Reads the edges between users and items of the catalogue, at the path in `path_field`.

        Raises:
          ConfigError: `user_id_field` is no input field.
          DataError: the table is missing or has bad lines.
        """
        of_users = self._holds_integers(self.spec.user)
        of_items = self._holds_integers("item_id_field")
        path = getattr(self.config, path_field)
        edges = read_edge_table(path, of_users, of_items, self._encoding)
        return Edges(edges, catalogue.rows, self.spec.user_id(self.config), path_field)

    def _holds_integers(self, name: str) -> bool:
        path = f"data_config.{self.name}.{name}"
        (field,) = named_fields(self.pipeline, [getattr(self.config, name)], path)
        return field.whole


def build(
    request: SamplerRequest,
    catalogue: Catalogue,
    edges: Iterable[Edges] = (),
    exclusions: Iterable[Exclusion] = (),
    hard: HardNegatives | None = None,
) -> Sampler:
    """Returns a sampler that draws neither the batch's own items nor those of `exclusions`.

    Args:
      request: what it is built from.
      catalogue: the items.
      edges: the edges that `exclusions` and `hard` read.
      exclusions: what else is not drawn.
      hard: chooses hard negatives; None for none.
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
