"""Opens the sampler of a config: its tables are read, and its items transformed."""

from __future__ import annotations

from easyrec_lite.checks.specs.sampler import SAMPLERS
from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.cells import CellCheck, nothing
from easyrec_lite.data.samplers.catalogue import Transform
from easyrec_lite.data.samplers.request import SamplerRequest
from easyrec_lite.data.samplers.sampler import Sampler


def open_sampler(
    pipeline: Pipeline,
    transform: Transform,
    training: bool,
    seed: int,
    cells: CellCheck = nothing,
) -> Sampler | None:
    """Returns the sampler of `data_config` with its tables loaded; None without a sampler.

    Args:
      pipeline: the config.
      transform: raw columns of items → the values of their features.
      training: whether to draw `num_sample` items for a batch, or `num_eval_sample`.
      seed: with a batch's position, all that its draw follows from.
      cells: what the items' attributes must be for the transform.

    Raises:
      ConfigError: the sampler names a column that is no input field.
      DataError: one of its tables is missing or has bad lines.
    """
    name = pipeline.config.data_config.WhichOneof("sampler")
    if name is None:
        return None
    sampler: Sampler = SAMPLERS.get(name)(
        SamplerRequest(pipeline, name, transform, training, seed, cells)
    )
    return sampler
