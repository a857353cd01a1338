"""Draws items by weight, but none that a user of the batch has a positive edge to."""

from __future__ import annotations

from easyrec_lite.checks.specs.sampler import SAMPLERS
from easyrec_lite.data.samplers.positive_edges.spec import PositiveEdgeSpec
from easyrec_lite.data.samplers.request import SamplerRequest, build
from easyrec_lite.data.samplers.sampler import Sampler


@SAMPLERS.implement(PositiveEdgeSpec.name)
def positive_edge_sampler(request: SamplerRequest) -> Sampler:
    """Returns a sampler that also bars every item with a positive edge from the batch's users.

    The users are those of the batch, so that no table of users is read.
    """
    catalogue = request.catalogue()
    (positive,) = PositiveEdgeSpec.edges
    edges = request.edges(positive, catalogue)
    return build(request, catalogue, [edges], exclusions=[edges.items])
