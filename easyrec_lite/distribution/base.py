"""The interface between a run and the way in which its training is distributed."""

from __future__ import annotations

import abc
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from easyrec_lite.config import Pipeline
from easyrec_lite.config.data_paths import train_path
from easyrec_lite.core.errors import PeerLost, Place
from easyrec_lite.data.readers.iterate import position_of
from easyrec_lite.data.rows.share import WHOLE, Share
from easyrec_lite.models.assembly import Parts, build
from easyrec_lite.models.base import Model
from easyrec_lite.training.checkpoints import Checkpoints
from easyrec_lite.training.input import BatchInput, ReadPlan
from easyrec_lite.training.loop import StepPlan
from easyrec_lite.training.optimizer import Optimizer, check_frozen
from easyrec_lite.training.step import Trainer
from easyrec_lite.training.warm_start import warm_start
from easyrec_lite.training.weights import load_weights

# Prefix of a checkpoint → a context in which the model has its weights.
Weights = Callable[[str], AbstractContextManager[None]]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Replica:
    """A model with its optimiser, its trainer and its input."""

    parts: Parts
    optimizer: Optimizer
    trainer: Trainer
    input: BatchInput


def make_replica(
    pipeline: Pipeline,
    share: Share = WHOLE,
    trainer: Callable[[Model, Optimizer], Trainer] = Trainer,
) -> Replica:
    """Builds a model with its trainer, and opens its share of the training data.

    Raises:
      ConfigError: the config does not fit the model.
      DataError: the training data cannot be opened.
    """
    parts = build(pipeline)
    model = parts.model
    check_frozen(pipeline, model.trainable)
    optimizer = Optimizer(pipeline.config.train_config, model.trainable, set(model.tables))
    opened = open_input(pipeline, parts, share)
    return Replica(parts, optimizer, trainer(model, optimizer), opened)


def open_input(pipeline: Pipeline, parts: Parts, share: Share) -> BatchInput:
    """Returns the input of a model: a share of the training data.

    Raises:
      DataError: it cannot be opened.
    """
    return BatchInput(
        pipeline,
        train_path(pipeline),
        parts.transform,
        parts.model.extra_columns,
        parts.candidate_features,
        training=True,
        share=share,
    )


class Distribution(abc.ABC):
    """How the training of a run is distributed.

    Args:
      pipeline: the config.

    Attributes:
      replicas: the models that this process trains.
      trainer: runs the steps; a `Trainer`, or an object with its methods.
      chief: whether this process logs, saves, evaluates and exports.
      count: the number of replicas that step together.
    """

    replicas: Sequence[Replica]
    trainer: Any
    chief: bool = True
    count: int = 1

    def __init__(self, pipeline: Pipeline):
        self.pipeline = pipeline

    @abc.abstractmethod
    def iterator(self) -> Any:
        """Returns the input of `trainer.run`, from the trainer's position on."""

    def checkpoints(self) -> Checkpoints:
        """Returns the checkpoints of the model folder, for all state of the run."""
        config = self.pipeline.config
        keep = config.train_config.keep_checkpoint_max
        variables = self.trainer.variables_by_name()
        return Checkpoints(
            Path(config.model_dir),
            variables,
            keep,
            own=self.own_variables(),
            pipeline=self.pipeline,
            files=self.files(),
        )

    def files(self) -> Sequence[str]:
        """Returns the files of training data."""
        return self.replicas[0].input.reader.files if self.replicas else ()

    def own_variables(self) -> dict[str, tf.Variable]:
        """Returns the variables that only a run with the same distribution can restore."""
        return {}

    def restore(self, checkpoints: Checkpoints) -> str | None:
        """Restores the newest readable checkpoint, or loads the initial weights of the config.

        Returns:
          The checkpoint's prefix, or None.
        """
        prefix = checkpoints.restore_newest()
        if prefix:
            log.info("resuming from %s", prefix)
        else:
            self._warm_start()
        return prefix

    def _warm_start(self) -> None:
        if self.pipeline.config.train_config.fine_tune_checkpoint:
            warm_start(self.pipeline, self.replicas[0].parts.model.variables_by_name())

    def agree(self, plan: StepPlan) -> StepPlan:
        """Returns the plan that all processes follow, given the plan of this one."""
        return plan

    def finish(self) -> None:  # noqa: B027 - one process does not wait
        """Waits for the other processes at the end of the run."""

    def lost(self, error: tf.errors.OpError) -> PeerLost | None:
        """Returns the error that another process is gone, if that is why TensorFlow failed."""
        return None

    def explain(self, error: tf.errors.OpError | UnicodeDecodeError) -> Exception:
        """Returns the error that describes a failure of the input."""
        first = self.replicas[0]
        start = position_of(first.trainer.position)
        return first.input.reader.explain(error, start)

    def locate(self, row: int) -> Place:
        """Returns the place in the data of a row of the next batch, counted from 0."""
        first = self.replicas[0]
        return first.input.reader.locate(position_of(first.trainer.position), row)

    def evaluation_model(self) -> tuple[Parts, Weights]:
        """Returns a model to evaluate and export, and the context that gives it its weights.

        By default it is a second model in this process, which loads them from the checkpoint.
        """
        return from_checkpoint(self.pipeline)

    def describe(self) -> Sequence[str]:
        """Returns lines for the log that describe the distribution."""
        return []

    def bad_rows(self) -> int:
        """Returns the number of bad rows of an epoch that this process left out."""
        each = [replica.input.reader.bad_rows() for replica in self.replicas]
        # Shares by rows are taken after bad rows are left out: each replica has seen all of them.
        return max(each) if self.replicas[0].input.reader.share.by_row else sum(each)

    def close(self) -> None:
        """Closes the inputs."""
        for replica in self.replicas:
            replica.input.close()


def from_checkpoint(pipeline: Pipeline) -> tuple[Parts, Weights]:
    """Returns a model, and the context that loads a checkpoint's weights or moving averages."""
    parts = build(pipeline)
    optimizers = pipeline.config.train_config.optimizer_config
    averaged = bool(optimizers) and optimizers[0].use_moving_average

    @contextmanager
    def weights(prefix: str) -> Iterator[None]:
        load_weights(prefix, parts.model, averaged)
        yield

    return parts, weights


def order_from(pipeline: Pipeline, start: tuple[int, int] | tf.Tensor) -> ReadPlan:
    """Returns the order of the training data from a position on."""
    config = pipeline.config
    return ReadPlan(
        epochs=config.data_config.num_epochs or None,
        start=start,
        shuffle=config.data_config.shuffle,
        seed=config.train_config.seed,
    )
