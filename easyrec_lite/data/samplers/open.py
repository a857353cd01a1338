"""Opens the sampler of a config: its tables are read, and its items transformed."""

from __future__ import annotations

from easyrec_lite.checks.specs.sampler import SAMPLERS
from easyrec_lite.config import Pipeline
from easyrec_lite.data.samplers.catalogue import Transform
from easyrec_lite.data.samplers.request import SamplerRequest
from easyrec_lite.data.samplers.sampler import Sampler


def open_sampler(
    pipeline: Pipeline, transform: Transform, training: bool, seed: int
) -> Sampler | None:
    """Returns the sampler of `data_config`, its tables loaded, or None where it has none.

    Args:
      pipeline: the config.
      transform: raw columns → values of the item side's features, as many rows.
      training: whether to draw `num_sample` items a batch, or `num_eval_sample`.
      seed: with a batch's position, all that its draw depends on.

    Raises:
      ConfigError: the sampler names a field that is not there.
      DataError: one of its tables is missing or has bad lines.
    """
    name = pipeline.config.data_config.WhichOneof("sampler")
    if name is None:
        return None
    sampler: Sampler = SAMPLERS.get(name)(SamplerRequest(pipeline, name, transform, training, seed))
    return sampler
