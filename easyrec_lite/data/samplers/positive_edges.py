"""`negative_sampler_v2`: items by weight that no user of the batch has a positive edge to."""

from __future__ import annotations

from easyrec_lite.data.samplers.kinds import SAMPLERS, Request, build
from easyrec_lite.data.samplers.sampler import Sampler


@SAMPLERS.register("negative_sampler_v2")
def positive_edge_sampler(request: Request) -> Sampler:
    """Returns a sampler that also bars every item with a positive edge from the batch's users.

    The users are those of the batch, so the table at `user_input_path` is not read.
    """
    config = request.config
    catalogue = request.catalogue(config.item_input_path)
    edges = request.edges("pos_edge_input_path", catalogue)
    return build(request, catalogue, [edges], exclusions=[edges.items])
