"""One process, one device."""

from __future__ import annotations

from typing import Any

from easyrec_lite.config import Pipeline
from easyrec_lite.data.readers.iterate import position_of
from easyrec_lite.distribution.base import Distribution, Weights, log, make_replica, order_from
from easyrec_lite.models.assembly import Parts
from easyrec_lite.training.weights import averaged_weights


class SingleProcess(Distribution):
    """Trains one model in this process, on all of the data.

    Args:
      pipeline: the config.

    Raises: as `make_replica`.
    """

    def __init__(self, pipeline: Pipeline):
        super().__init__(pipeline)
        self.replicas = [make_replica(pipeline)]
        self.trainer = self.replicas[0].trainer

    def iterator(self) -> Any:
        """Returns the batches from the trainer's position on."""
        (replica,) = self.replicas
        data = self.pipeline.config.data_config
        order = order_from(self.pipeline, position_of(self.trainer.position))
        made = replica.input.batches(data.batch_size, order, data.drop_remainder)
        log.info("training data: %s", replica.input.reader.describe())
        return iter(made)

    def evaluation_model(self) -> tuple[Parts, Weights]:
        """Returns the trained model itself, and the context that sets its moving averages."""
        (replica,) = self.replicas
        trainable, averages = replica.parts.model.trainable, replica.optimizer.averages
        return replica.parts, lambda prefix: averaged_weights(trainable, averages)
