"""Draws items by weight, and adds hard negatives along the hard edges of the batch's users."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.sampler import SAMPLERS
from easyrec_lite.data.samplers.draw import Uniforms, gumbel
from easyrec_lite.data.samplers.edges import Edges
from easyrec_lite.data.samplers.hard_edges.spec import HARD, HardAndPositiveEdgeSpec, HardEdgeSpec
from easyrec_lite.data.samplers.request import SamplerRequest, build
from easyrec_lite.data.samplers.sampler import ITEM, Located, Sampler


@SAMPLERS.implement(HardEdgeSpec.name, HardAndPositiveEdgeSpec.name)
def hard_edge_sampler(request: SamplerRequest) -> Sampler:
    """Returns a sampler that adds at most `num_hard_sample` hard negatives a row.

    Where the sampler reads positive edges too, an item with one from a user of the batch is not
    drawn for all rows. The users are those of the batch, so that no table of users is read.
    """
    catalogue = request.catalogue()
    edges = {field: request.edges(field, catalogue) for field in request.spec.edges}
    hard = HardEdges(edges[HARD], request.config.num_hard_sample, request.seed)
    positive = [table.items for field, table in edges.items() if field != HARD]
    return build(request, catalogue, edges.values(), positive, hard)


class HardEdges:
    """Chooses at most `limit` hard negatives a row out of its user's hard edges, by weight.

    1. Give each edge the key `log(weight) + Gumbel`, and leave out edges to the row's own item.
    2. Sort the edges by row, those of a row by descending key.
    3. Keep the first `limit` of each row: a draw by weight without replacement.

    Args:
      edges: the hard edges.
      limit: how many to choose for a row, at most.
      seed: with the position, all that the choice follows from.
    """

    def __init__(self, edges: Edges, limit: int, seed: int):
        self._edges = edges
        self._limit = limit
        self._uniforms = Uniforms(seed, stream=2)

    def __call__(self, located: Located, position: tf.Tensor) -> tf.Tensor:
        """Returns int64 [H, 2], (row in B, row of the catalogue), sorted by row in B."""
        owner, item, log_weight = self._edges(located)
        own = tf.gather(located[ITEM], owner)
        keys = log_weight + gumbel(self._uniforms(tf.size(owner), position))
        kept = tf.boolean_mask(tf.range(tf.size(owner)), item != own)
        kept = tf.gather(kept, tf.argsort(tf.gather(keys, kept), direction="DESCENDING"))
        kept = tf.gather(kept, tf.argsort(tf.gather(owner, kept), stable=True))
        rows = tf.gather(owner, kept)
        rank = tf.range(tf.size(rows)) - tf.searchsorted(rows, rows, side="left")
        chosen = tf.boolean_mask(kept, rank < self._limit)
        return tf.stack([tf.gather(owner, chosen), tf.gather(item, chosen)], axis=1)
