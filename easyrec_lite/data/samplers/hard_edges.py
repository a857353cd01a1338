"""`hard_negative_sampler` and `hard_negative_sampler_v2`: hard edges of the batch's users too."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.data.samplers.draw import Uniforms, gumbel
from easyrec_lite.data.samplers.edges import Edges
from easyrec_lite.data.samplers.kinds import SAMPLERS, Request, build
from easyrec_lite.data.samplers.sampler import ITEM, Located, Sampler


@SAMPLERS.register("hard_negative_sampler")
@SAMPLERS.register("hard_negative_sampler_v2")
def hard_edge_sampler(request: Request) -> Sampler:
    """Returns a sampler that adds at most `num_hard_sample` hard negatives a row.

    With `hard_negative_sampler_v2` an item with a positive edge from a user of the batch is not
    drawn for all rows. The table at `user_input_path` is not read.
    """
    config = request.config
    catalogue = request.catalogue(config.item_input_path)
    edges = [request.edges("hard_neg_edge_input_path", catalogue)]
    hard = HardEdges(edges[0], config.num_hard_sample, request.seed)
    if request.kind == "hard_negative_sampler_v2":
        edges.append(request.edges("pos_edge_input_path", catalogue))
    return build(request, catalogue, edges, [each.items for each in edges[1:]], hard)


class HardEdges:
    """Chooses hard negatives for each row: all its user's hard edges, or some by weight.

    An edge to the row's own item is passed over.

    Args:
      edges: the hard edges.
      limit: the most for a row.
      seed: with the position, all that the choice depends on.
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
