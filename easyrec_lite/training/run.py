"""A training run: restore, train, save, evaluate, export."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from easyrec_lite.config import Pipeline, save
from easyrec_lite.errors import Place
from easyrec_lite.files import atomic_write, remove_leftovers
from easyrec_lite.input import DATA_ERRORS, BatchInput, Order, position_of
from easyrec_lite.serving.export import export_models
from easyrec_lite.serving.folders import keep_newest
from easyrec_lite.training.build import build
from easyrec_lite.training.checkpoints import Checkpoints
from easyrec_lite.training.evaluation import Evaluation, averaged_weights
from easyrec_lite.training.history import History
from easyrec_lite.training.hooks import Hook, Summaries
from easyrec_lite.training.log import TrainingLog
from easyrec_lite.training.loop import Loop, periods_of
from easyrec_lite.training.optimizers import Optimizer
from easyrec_lite.training.preemption import Preemption
from easyrec_lite.training.step import Trainer
from easyrec_lite.training.stopping import Deadline, EarlyStop
from easyrec_lite.training.warm_start import warm_start

CONFIG_FILE = "pipeline.config"
RESULT_FILE = "eval_result.json"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """What a training run made.

    Attributes:
      step: steps done in all.
      reason: why it ended.
      checkpoint: prefix of the newest checkpoint, or None when no step was done.
      metrics: of the last evaluation; empty when there was none.
      export: folder of the newest export, or None when there was none.
    """

    step: int
    reason: str
    checkpoint: str | None
    metrics: Mapping[str, float]
    export: Path | None


class Run:
    """One training run, from set-up to the final export.

    Args:
      pipeline: the config.
      user_hooks: told of events after the hooks of the config itself.
      evaluate: whether to evaluate after each checkpoint, and to export.
    """

    def __init__(self, pipeline: Pipeline, user_hooks: Sequence[Hook], evaluate: bool):
        self.pipeline, self.config = pipeline, pipeline.config
        self.folder = Path(self.config.model_dir)
        self.parts = build(self.pipeline)
        model = self.parts.model
        self.optimizer = Optimizer(self.config.train_config, model.trainable, set(model.tables))
        self.trainer = Trainer(model, self.optimizer)
        self.history = History(self.folder)
        self.metrics: Mapping[str, float] = {}
        self.prefix: str | None = None
        self.exported: Path | None = None
        self.input = BatchInput(
            self.pipeline,
            train_path(self.pipeline),
            self.parts.transform,
            model.extra_columns,
            self.parts.item_features,
            training=True,
        )
        self.evaluate = evaluate
        path = eval_path(self.pipeline) if evaluate else ""
        self.evaluation = None
        if path:
            seen_path = train_path(self.pipeline)
            self.evaluation = Evaluation(self.parts, path, seen_path, again=True)
        keep = self.config.train_config.keep_checkpoint_max
        self.checkpoints = Checkpoints(self.folder, self.trainer.variables_by_name(), keep)
        self.preemption = Preemption()
        self.hooks = [self.preemption, *self._hooks(), *user_hooks]

    def _hooks(self) -> list[Hook]:
        train, export = self.config.train_config, self.config.export_config
        hooks: list[Hook] = [
            TrainingLog(self.folder),
            Summaries(self.folder, train.save_summary_steps),
        ]
        if export.enable_early_stop:
            hooks.append(EarlyStop(export, self.history))
        if train.dead_line:
            hooks.append(Deadline(self.pipeline))
        return hooks

    def result(self) -> Result:
        """Trains to the end and returns what was made.

        Raises:
          Terminated: SIGTERM came; what was done is saved.
        """
        with self.preemption:
            return self._result()

    def _result(self) -> Result:
        self._start()
        with self.preemption.waiting():
            reason = self._train()
        self.preemption.check()
        step = int(self.trainer.step)
        self._make_up_for_evaluation(step)
        if self.input.reader.bad_rows():
            log.warning("%d bad rows of an epoch were left out", self.input.reader.bad_rows())
        if self.evaluate and self.config.export_config.exporter_type == "final":
            with self._averaged():
                self._export("final", step)
        return Result(step, reason, self.prefix, self.metrics, self.exported)

    def _start(self) -> None:
        if self.input.sampler is not None:
            log.info("negatives of a row: %s", negatives(self.config.data_config))
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.folder)
        self.checkpoints.remove_partial()
        save(self.pipeline, self.folder / CONFIG_FILE)
        self.prefix = self.checkpoints.restore_newest()
        if self.prefix:
            log.info("going on from %s", self.prefix)
        elif self.config.train_config.fine_tune_checkpoint:
            warm_start(self.pipeline, self.parts.model.variables_by_name())
        step, period = int(self.trainer.step), periods_of(self.config.train_config).save
        if period and step % period == 0:
            self._make_up_for_evaluation(step)

    def _make_up_for_evaluation(self, step: int) -> None:
        """Evaluates a checkpoint that a run cut off had saved, but not evaluated to the end."""
        if self.evaluation is None or not self.prefix:
            return
        known = self.history.at(step)
        if known is None:
            self._evaluate(self.evaluation, step, self.prefix)
        else:
            self.metrics = known.metrics

    def _dataset(self) -> tf.data.Dataset:
        data = self.config.data_config
        order = Order(
            epochs=data.num_epochs or None,
            start=position_of(self.trainer.position),
            shuffle=data.shuffle,
            seed=self.config.train_config.seed,
        )
        batches = self.input.batches(data.batch_size, order, data.drop_remainder)
        log.info("training data: %s", self.input.reader.describe())
        return batches

    def _train(self) -> str:
        periods = periods_of(self.config.train_config)
        loop = Loop(self.trainer, periods, self.hooks, self._save, self._locate)
        for hook in self.hooks:
            hook.begin(self.trainer, periods.total)
        try:
            return loop.run(self._dataset())
        except DATA_ERRORS as error:
            position = position_of(self.trainer.position)
            raise self.input.reader.explain(error, position) from error
        finally:
            self.input.close()
            for hook in self.hooks:
                hook.end(int(self.trainer.step))

    def _locate(self, row: int) -> Place:
        """Returns where row `row` of the next batch stands, counted from 0."""
        return self.input.reader.locate(position_of(self.trainer.position), row)

    def _save(self, step: int) -> None:
        self.prefix = self.checkpoints.save(step)
        for hook in self.hooks:
            hook.checkpoint(step, self.prefix)
        if self.evaluation is not None:
            with self.preemption.at_once():
                self._evaluate(self.evaluation, step, self.prefix)

    def _evaluate(self, evaluation: Evaluation, step: int, prefix: str) -> None:
        """Evaluates and does what follows; the entry in the history says that all of it is done."""
        with self._averaged():
            self.metrics = evaluation.run(step, prefix)
            if evaluation.ranking:
                log.info("%s", evaluation.ranking.line())
            self._export_after_evaluation(step)
        write_result(self.folder, step, self.metrics)
        self.history.add(step, self.metrics)
        for hook in self.hooks:
            hook.evaluated(step, self.metrics)

    def _export_after_evaluation(self, step: int) -> None:
        config = self.config.export_config
        kind = config.exporter_type
        if kind == "best":
            name, bigger = config.best_exporter_metric, config.metric_bigger
            best = self.history.best(name, bigger, step - 1)
            sign = 1.0 if bigger else -1.0
            if best and sign * self.metrics[name] <= sign * best.metrics[name]:
                return
        elif kind != "latest":
            return
        self._export(kind, step)

    def _export(self, kind: str, step: int) -> None:
        root = self.folder / "export" / kind
        self.exported = export_models(self.parts, root, step)
        keep_newest(root, self.config.export_config.exports_to_keep)

    def _averaged(self) -> AbstractContextManager[None]:
        return averaged_weights(self.parts.model.trainable, self.optimizer.averages)


def negatives(data: Any) -> str:
    """Returns where the negatives of a row come from, and how many they are at most."""
    sampled = getattr(data, data.WhichOneof("sampler")).num_sample
    others = data.batch_size - 1
    return f"up to {others} of the batch's other rows, and {sampled} sampled"


def train_path(pipeline: Pipeline) -> str:
    """Returns where the training data lies."""
    return pipeline.config.train_input_path or pipeline.config.parquet_train_input


def eval_path(pipeline: Pipeline) -> str:
    """Returns where the evaluation data lies, '' when the config does not say."""
    return pipeline.config.eval_input_path or pipeline.config.parquet_eval_input


def write_result(folder: Path, step: int, metrics: Mapping[str, float]) -> None:
    """Writes the metrics of an evaluation to `eval_result.json` in `folder`."""
    content = {"global_step": step, **metrics}
    atomic_write(folder / RESULT_FILE, json.dumps(content, indent=1) + "\n")
