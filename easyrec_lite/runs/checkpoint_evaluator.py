"""The work after a checkpoint: its evaluation, its export, its entry in the history."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from easyrec_lite.checks.decision import decision_metric
from easyrec_lite.config import Pipeline
from easyrec_lite.config.data_paths import eval_path, train_path
from easyrec_lite.core.errors import NotExported, Problem
from easyrec_lite.evaluation.evaluation import ModelEvaluator
from easyrec_lite.models.assembly import Parts
from easyrec_lite.runs.export_gate import refusals
from easyrec_lite.serving.export import export_models
from easyrec_lite.serving.folders import keep_newest
from easyrec_lite.serving.manifest import exports
from easyrec_lite.training.history import EvaluationHistory, write_result
from easyrec_lite.training.hooks import Hook

log = logging.getLogger(__name__)


def has_work(pipeline: Pipeline) -> bool:
    """Returns whether the config asks for evaluations or exports."""
    return bool(eval_path(pipeline)) or pipeline.config.export_config.exporter_type == "final"


class CheckpointEvaluator:
    """Evaluates and exports the checkpoints of a run.

    Args:
      pipeline: the config.
      parts: the model that is evaluated and exported.
      weights: prefix of a checkpoint → a context in which the model has its weights.
      hooks: called after each evaluation.

    Attributes:
      metrics: of the last evaluation; empty when there was none.
      exported: folder of the newest export, or None.
      refused: why the last export was refused.

    Raises:
      DataError: no such evaluation data.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        parts: Parts,
        weights: Callable[[str], AbstractContextManager[None]],
        hooks: Sequence[Hook],
    ):
        self._pipeline, self._parts, self._weights, self._hooks = pipeline, parts, weights, hooks
        self._folder = Path(pipeline.config.model_dir)
        self._history = EvaluationHistory(self._folder)
        self._evaluation: ModelEvaluator | None = None
        path = eval_path(pipeline)
        if path:
            self._evaluation = ModelEvaluator(parts, path, train_path(pipeline), again=True)
        self.metrics: Mapping[str, float] = {}
        self.exported: Path | None = None
        self.refused: list[Problem] = []

    def evaluate(self, step: int, prefix: str) -> None:
        """Evaluates a checkpoint, exports it if asked, and last adds it to the history."""
        if self._evaluation is None:
            return
        with self._weights(prefix):
            self.metrics = self._evaluation.run(step, prefix)
            if self._evaluation.ranking:
                log.info("%s", self._evaluation.ranking.line())
            self._export_if_asked(step)
        write_result(self._folder, step, self.metrics)
        self._history.add(step, self.metrics)
        for hook in self._hooks:
            hook.evaluated(step, self.metrics)

    def evaluate_if_missing(self, step: int, prefix: str | None) -> None:
        """Evaluates a checkpoint that an interrupted run saved but did not finish evaluating."""
        if self._evaluation is None or not prefix:
            return
        known = self._history.at(step)
        if known is None:
            self.evaluate(step, prefix)
        else:
            self.metrics = known.metrics

    def export_final(self, step: int, prefix: str | None) -> None:
        """Exports at the end of training, if the config asks for it."""
        if self._pipeline.config.export_config.exporter_type == "final":
            with self._weights(prefix or ""):
                self._export("final", step)

    def _export_if_asked(self, step: int) -> None:
        kind = self._pipeline.config.export_config.exporter_type
        if kind == "latest" or (kind == "best" and self._is_best(step)):
            self._export(kind, step)

    def _is_best(self, step: int) -> bool:
        """Returns whether the metric is defined, and better than at all earlier steps."""
        config = self._pipeline.config.export_config
        name, bigger = decision_metric(config), config.metric_bigger
        value = self.metrics.get(name)
        if value is None:
            log.warning("step %d is not exported as best: %s is undefined", step, name)
            return False
        best = self._history.best(name, bigger, step - 1)
        sign = 1.0 if bigger else -1.0
        if best and sign * value <= sign * best.metrics[name]:
            log.info(
                "step %d is not exported: %s is %.6g, and was %.6g at step %d",
                *(step, name, value, best.metrics[name], best.step),
            )
            return False
        return True

    def check_exported(self) -> None:
        """Fails if the config asks for an export and none was made.

        Raises:
          NotExported: that is the case; explains why the last export was refused.
        """
        kind = self._pipeline.config.export_config.exporter_type
        if kind == "none" or self.exported or not (self._evaluation or kind == "final"):
            return
        if not self.refused and any(exports(self._folder / "export" / kind)):
            return
        name = decision_metric(self._pipeline.config.export_config)
        undefined = Problem(f"nothing was exported: {name} was undefined at every evaluation")
        raise NotExported(self.refused or undefined)

    def _export(self, kind: str, step: int) -> None:
        ranking = self._evaluation.ranking if self._evaluation else None
        self.refused = refusals(self._pipeline, self._parts.model, step, self.metrics, ranking)
        if self.refused:
            log.error("step %d is not exported:\n%s", step, "\n".join(map(str, self.refused)))
            return
        root = self._folder / "export" / kind
        self.exported = export_models(self._parts, root, step)
        keep_newest(root, self._pipeline.config.export_config.exports_to_keep)
