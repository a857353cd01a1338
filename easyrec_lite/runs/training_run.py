"""A training run: restore, train, save, evaluate, export."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from easyrec_lite.checks.specs.sampler import sampler_of
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.config.data_paths import train_path
from easyrec_lite.config.save import CONFIG_FILE, save
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError
from easyrec_lite.core.files import remove_leftovers
from easyrec_lite.data.readers.base import READ_ERRORS
from easyrec_lite.distribution.choose import open_distribution
from easyrec_lite.distribution.cluster import Cluster
from easyrec_lite.features.transform import FeatureTransform
from easyrec_lite.models.assembly import Parts
from easyrec_lite.runs.checkpoint_evaluator import CheckpointEvaluator, has_work
from easyrec_lite.training.first_rows import first_row_problems
from easyrec_lite.training.history import EvaluationHistory
from easyrec_lite.training.hooks import Hook, Summaries
from easyrec_lite.training.input import BatchInput
from easyrec_lite.training.log import TrainingLog
from easyrec_lite.training.loop import StepPlan, TrainingLoop, periods_of
from easyrec_lite.training.preemption import SIGTERM_REASON, Preemption, Terminated
from easyrec_lite.training.stopping import Deadline, EarlyStop

log = logging.getLogger(__name__)
BATCH_NORM_MOMENTUM = 0.99
# Above this share, the initial values of moving averages visibly lower the quality.
OLD_SHARE = 0.1


@dataclass(frozen=True)
class TrainingResult:
    """The result of a training run.

    Attributes:
      step: the steps done.
      reason: why the run ended.
      checkpoint: prefix of the newest checkpoint; None if there is none.
      metrics: of the last evaluation; empty if there was none.
      export: folder of the newest export; None if there is none.
    """

    step: int
    reason: str
    checkpoint: str | None
    metrics: Mapping[str, float]
    export: Path | None


class TrainingRun:
    """One process's part of a training run, from set-up to the final export.

    Args:
      pipeline: the config.
      user_hooks: called after the hooks of the config.
      evaluate: whether to evaluate after each checkpoint, and to export.
      cluster: the processes of the run; None for this one alone.

    Raises:
      Terminated: SIGTERM was received.
      others: as `open_distribution`.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        user_hooks: Sequence[Hook],
        evaluate: bool,
        cluster: Cluster | None = None,
    ):
        self.pipeline, self.config = pipeline, pipeline.config
        self.folder = Path(self.config.model_dir)
        self.preemption = Preemption()
        with self.preemption:
            self.distribution = open_distribution(pipeline, cluster)
        self.trainer = self.distribution.trainer
        self.prefix: str | None = None
        self.checkpoints = self.distribution.checkpoints()
        self.hooks: list[Hook] = [self.preemption]
        self.evaluator: CheckpointEvaluator | None = None
        if self.distribution.chief:
            self.hooks += [*self._hooks(), *user_hooks]
            elsewhere = cluster is not None and cluster.has_evaluator
            if evaluate and not elsewhere and has_work(pipeline):
                self.evaluator = CheckpointEvaluator(
                    pipeline, *self.distribution.evaluation_model(), self.hooks
                )

    @property
    def parts(self) -> Parts:
        """The model that is trained."""
        return self.distribution.replicas[0].parts

    @property
    def input(self) -> BatchInput:
        """Its training data."""
        return self.distribution.replicas[0].input

    def _hooks(self) -> list[Hook]:
        train, export = self.config.train_config, self.config.export_config
        hooks: list[Hook] = [
            TrainingLog(self.folder),
            Summaries(self.folder, train.save_summary_steps),
        ]
        if export.enable_early_stop:
            hooks.append(EarlyStop(export, EvaluationHistory(self.folder)))
        if train.dead_line:
            hooks.append(Deadline(train.dead_line))
        return hooks

    def result(self) -> TrainingResult:
        """Trains to the end.

        Raises:
          Terminated: SIGTERM was received; a checkpoint was saved.
          PeerLost: another process of the cluster is gone.
        """
        with self.preemption:
            try:
                return self._result()
            except tf.errors.OpError as error:
                raise self.distribution.lost(error) or error from error

    def _result(self) -> TrainingResult:
        self._start()
        with self.preemption.waiting():
            reason = self._train()
            step = int(self.trainer.step)
            last = StepPlan(0, stop=self.preemption.should_stop(step))
            sigterm = reason == SIGTERM_REASON
            sigterm = sigterm or self.distribution.agree(last).stop == SIGTERM_REASON
        if sigterm:
            self.distribution.finish()
            raise Terminated
        if self.distribution.bad_rows():
            log.warning("%d bad rows of an epoch were left out", self.distribution.bad_rows())
        if self.distribution.chief and not self.config.train_config.fine_tune_checkpoint:
            _warn_of_young_averages(step, self.parts.model.variables_by_name())
        if self.evaluator:
            self.evaluator.evaluate_if_missing(step, self.prefix)
            self.evaluator.export_final(step, self.prefix)
        self.distribution.finish()
        if self.evaluator:
            self.evaluator.check_exported()
        metrics, exported = (
            (self.evaluator.metrics, self.evaluator.exported) if self.evaluator else ({}, None)
        )
        return TrainingResult(step, reason, self.prefix, metrics, exported)

    def _start(self) -> None:
        for line in self.distribution.describe():
            log.info("%s", line)
        if self.parts.model.candidate_groups and View(self.pipeline).listwise:
            log.info("negatives of a row: %s", negatives(self.pipeline, self.distribution.count))
        if self.distribution.chief:
            fs.make_folder(self.folder)
            remove_leftovers(self.folder)
            self.checkpoints.remove_partial()
        self.prefix = self.distribution.restore(self.checkpoints)
        if self.distribution.chief:
            # After the restore: a refused checkpoint keeps the config that fits it.
            self._check_first_rows()
            save(self.pipeline, self.folder / CONFIG_FILE)
        step, period = int(self.trainer.step), periods_of(self.config.train_config).save
        if self.evaluator and period and step % period == 0:
            self.evaluator.evaluate_if_missing(step, self.prefix)

    def _check_first_rows(self) -> None:
        """Logs what the first rows tell of ids that features and tables do not know.

        Raises:
          DataError: the item table lacks the items of all of them.
        """
        problems = first_row_problems(
            self.pipeline,
            train_path(self.pipeline),
            FeatureTransform(self.pipeline),
            self.input.sampler,
        )
        errors = [problem for problem in problems if problem.severity == "error"]
        if errors:
            raise DataError(errors)
        for problem in problems:
            log.warning("%s", problem)

    def _train(self) -> str:
        periods = periods_of(self.config.train_config)
        spread = self.distribution
        loop = TrainingLoop(
            self.trainer, periods, self.hooks, self._save, spread.locate, spread.agree
        )
        for hook in self.hooks:
            hook.begin(self.trainer, periods.total)
        try:
            return loop.run(self.distribution.iterator())
        except READ_ERRORS as error:
            lost = isinstance(error, tf.errors.OpError) and self.distribution.lost(error)
            raise lost or self.distribution.explain(error) from error
        finally:
            self.distribution.close()
            for hook in self.hooks:
                hook.end(int(self.trainer.step))

    def _save(self, step: int) -> None:
        if not self.distribution.chief:
            return
        self.prefix = self.checkpoints.save(step)
        for hook in self.hooks:
            hook.checkpoint(step, self.prefix)
        if self.evaluator:
            self._evaluate(self.evaluator, step, self.prefix)

    def _evaluate(self, evaluator: CheckpointEvaluator, step: int, prefix: str) -> None:
        """Evaluates a checkpoint; SIGTERM interrupts it, and the run stops when all agree."""
        try:
            with self.preemption.at_once():
                evaluator.evaluate(step, prefix)
        except Terminated:
            log.info("step %d is evaluated by the next start", step)


def negatives(pipeline: Pipeline, replicas: int) -> str:
    """Returns where the negatives of a row come from, and how many they are at most."""
    view, config = View(pipeline), pipeline.config
    shared = view.spec.shared_negatives(view) if view.spec else None
    if shared is not None:
        return shared
    data = config.data_config
    sampler = sampler_of(data)
    sampled = sampler[1].num_sample if sampler else 0
    others, of_all = data.batch_size - 1, replicas * data.batch_size - 1
    if replicas == 1:
        return f"up to {others} of the batch's other rows, and {sampled} sampled"
    if config.model_config.softmax.cross_replica_negatives:
        return f"up to {of_all} other rows of all replicas, and {replicas * sampled} sampled"
    return (
        f"up to {others} other rows of its own replica, and {sampled} sampled; one process with "
        f"the batches of all {replicas} would have {of_all}, and so has "
        "model_config.softmax.cross_replica_negatives: true"
    )


def _warn_of_young_averages(step: int, names: Iterable[str]) -> None:
    """Warns of batch norm whose moving averages still hold much of their initial values."""
    left = BATCH_NORM_MOMENTUM**step
    if step and left > OLD_SHARE and any(name.endswith("moving_variance") for name in names):
        log.warning(
            "%d steps are few for batch norm: its moving averages, with which evaluation and "
            "export normalise, still hold %.0f %% of their initial values; train longer, or make "
            "more steps of the same rows with a smaller data_config.batch_size",
            step,
            100 * left,
        )
