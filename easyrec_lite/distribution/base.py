"""What a run asks of the way in which its work is spread."""

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

# Prefix of a checkpoint → the block in which a model has its weights.
Weights = Callable[[str], AbstractContextManager[None]]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Replica:
    """A model, what moves it, and the batches that it reads."""

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
    """Returns a share of the training data, for the model in `parts`.

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
    """How the work of a run is spread: who trains what, on which rows.

    Args:
      pipeline: the config.

    Attributes:
      replicas: the models that this process trains.
      trainer: runs the steps; a `Trainer`, or what has its methods.
      chief: whether this process logs, saves, evaluates and exports.
      count: how many replicas step together.
    """

    replicas: Sequence[Replica]
    trainer: Any
    chief: bool = True
    count: int = 1

    def __init__(self, pipeline: Pipeline):
        self.pipeline = pipeline

    @abc.abstractmethod
    def iterator(self) -> Any:
        """Returns what `trainer.run` reads, from the trainer's position on."""

    def checkpoints(self) -> Checkpoints:
        """Returns the checkpoints in the model folder, for the variables that are trained."""
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
        """Returns what a checkpoint holds that only a run spread alike can take up."""
        return {}

    def restore(self, checkpoints: Checkpoints) -> str | None:
        """Restores the newest readable checkpoint, else starts warm if the config asks so.

        Returns:
          The checkpoint's prefix, or None.
        """
        prefix = checkpoints.restore_newest()
        if prefix:
            log.info("going on from %s", prefix)
        else:
            self._warm_start()
        return prefix

    def _warm_start(self) -> None:
        if self.pipeline.config.train_config.fine_tune_checkpoint:
            warm_start(self.pipeline, self.replicas[0].parts.model.variables_by_name())

    def agree(self, plan: StepPlan) -> StepPlan:
        """Returns the plan for the next steps that all processes follow."""
        return plan

    def finish(self) -> None:  # noqa: B027 - one process waits for nobody
        """Waits for the other processes."""

    def lost(self, error: tf.errors.OpError) -> PeerLost | None:
        """Returns that another process is gone, if that is why TensorFlow failed."""
        return None

    def explain(self, error: tf.errors.OpError | UnicodeDecodeError) -> Exception:
        """Returns what a failure of the input was."""
        first = self.replicas[0]
        start = position_of(first.trainer.position)
        return first.input.reader.explain(error, start)

    def locate(self, row: int) -> Place:
        """Returns where row `row` of the next batch, counted from 0, stands in the data."""
        first = self.replicas[0]
        return first.input.reader.locate(position_of(first.trainer.position), row)

    def evaluation_model(self) -> tuple[Parts, Weights]:
        """Returns a model to evaluate and export, and what gives it a checkpoint's weights.

        It is one of its own, on this process alone, and takes them from the file.
        """
        return from_checkpoint(self.pipeline)

    def describe(self) -> Sequence[str]:
        """Returns how the work is spread, in lines for the log."""
        return []

    def bad_rows(self) -> int:
        """Returns how many rows of an epoch this process left out as bad."""
        each = [replica.input.reader.bad_rows() for replica in self.replicas]
        # Shares by rows are cut when the bad ones are left out: each replica has met them all.
        return max(each) if self.replicas[0].input.reader.share.by_row else sum(each)

    def close(self) -> None:
        """Ends what `iterator` began."""
        for replica in self.replicas:
            replica.input.close()


def from_checkpoint(pipeline: Pipeline) -> tuple[Parts, Weights]:
    """Returns a model, and what gives it a checkpoint's weights, moving averages if there are."""
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
