"""`negative_sampler` and `negative_sampler_in_memory`: items by weight, not those of the batch."""

from __future__ import annotations

from easyrec_lite.checks.specs.sampler import SAMPLERS, SamplerSpec, message_fields


@SAMPLERS.declare
class WeightedSpec(SamplerSpec):
    """Draws `num_sample` items a batch from the table at `input_path`."""

    name = message = "negative_sampler"
    module = "sampler"
    messages = {"NegativeSampler": message_fields("input_path")}
    items = "input_path"


@SAMPLERS.declare
class InMemorySpec(WeightedSpec):
    """The same under another name."""

    name = message = "negative_sampler_in_memory"
    messages = {"NegativeSamplerInMemory": message_fields("input_path")}
