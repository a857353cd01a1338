"""Draws items by weight, but not those of the batch."""

from __future__ import annotations

from easyrec_lite.checks.specs.sampler import SAMPLERS
from easyrec_lite.data.samplers.request import SamplerRequest, build
from easyrec_lite.data.samplers.sampler import Sampler
from easyrec_lite.data.samplers.weighted.spec import InMemorySpec, WeightedSpec


@SAMPLERS.implement(WeightedSpec.name, InMemorySpec.name)
def weighted_sampler(request: SamplerRequest) -> Sampler:
    """Returns a sampler of `num_sample` items a batch, none of them an item of the batch."""
    return build(request, request.catalogue())
