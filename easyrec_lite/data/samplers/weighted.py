"""`negative_sampler` and `negative_sampler_in_memory`: items by weight, not those of the batch."""

from __future__ import annotations

from easyrec_lite.data.samplers.kinds import SAMPLERS, Request, build
from easyrec_lite.data.samplers.sampler import Sampler


@SAMPLERS.register("negative_sampler")
@SAMPLERS.register("negative_sampler_in_memory")
def weighted_sampler(request: Request) -> Sampler:
    """Returns a sampler of `num_sample` items a batch, none of them an item of the batch."""
    return build(request, request.catalogue(request.config.input_path))
