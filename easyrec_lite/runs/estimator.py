"""The public Python API: train, evaluate, export and predict with one config."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from easyrec_lite.checks.check import checked, load_config
from easyrec_lite.config import Pipeline
from easyrec_lite.config.data_paths import eval_path, train_path
from easyrec_lite.core.errors import ConfigError, NotExported, Place, Problem
from easyrec_lite.core.locks import exclusive_run
from easyrec_lite.distribution.cluster import JOIN_SECONDS, VARIABLE, Cluster
from easyrec_lite.distribution.ending import announce_end
from easyrec_lite.distribution.tf_config import from_environment
from easyrec_lite.evaluation.evaluation import ModelEvaluator
from easyrec_lite.models.assembly import Parts, build
from easyrec_lite.runs.export_gate import not_finite
from easyrec_lite.runs.training_run import TrainingResult, TrainingRun
from easyrec_lite.serving.export import ExportOptions, export_models
from easyrec_lite.serving.predict import Prediction, predict_file
from easyrec_lite.training.checkpoint_files import find_checkpoint, step_of
from easyrec_lite.training.history import write_result
from easyrec_lite.training.hooks import Hook
from easyrec_lite.training.weights import load_weights

__all__ = ["Estimator", "Hook", "TrainingResult"]
log = logging.getLogger(__name__)


class Estimator:
    """Trains, evaluates, exports and predicts with one config.

    Args:
      pipeline: a loaded config, or the name of one to load; either is checked.
      hooks: called during training, after the hooks of the config.
      join_seconds: how long to wait for the other processes of TF_CONFIG, if it is set.

    Raises:
      ConfigError: the config is wrong.

    Example:
      Estimator("dssm_senet_on_taobao.config").train_and_evaluate()
    """

    def __init__(
        self,
        pipeline: Pipeline | str,
        hooks: Sequence[Hook] = (),
        join_seconds: float = JOIN_SECONDS,
    ):
        self.pipeline = load_config(pipeline) if isinstance(pipeline, str) else checked(pipeline)
        self.config = self.pipeline.config
        self.model_dir = Path(self.config.model_dir)
        self._user_hooks = tuple(hooks)
        self._join_seconds = join_seconds

    def train(self) -> TrainingResult:
        """Trains without evaluating, from the newest checkpoint in `model_dir` when there is one.

        Raises:
          ConfigError: the checkpoint belongs to another model, the config does not fit the model,
            or TF_CONFIG gives this process a role that does not start training.
          DataError: the training data cannot be read.
          RunError: a step is not finite, a checkpoint cannot be written, another run trains into
            `model_dir`, or this process's port is in use.
          PeerLost: another process of the cluster is gone, or never came.
        """
        return self._run(evaluate=False)

    def train_and_evaluate(self) -> TrainingResult:
        """Trains; evaluates after each checkpoint; exports as `export_config` asks.

        Raises: as `train`.
        """
        return self._run(evaluate=True)

    def _run(self, evaluate: bool) -> TrainingResult:
        cluster = from_environment(self._join_seconds)
        if cluster and cluster.follows:
            raise ConfigError(_follows(cluster))
        chief = cluster is None or cluster.chief
        with (
            exclusive_run(self.model_dir) if chief else nullcontext(),
            announce_end(self.model_dir) if chief and cluster else nullcontext(),
        ):
            return TrainingRun(self.pipeline, self._user_hooks, evaluate, cluster).result()

    def evaluate(self, checkpoint: str | None = None, path: str | None = None) -> dict[str, float]:
        """Returns the metrics of a checkpoint (default: the newest) over `path`.

        They are also written to `eval_result.json` in `model_dir`; a full ranking to
        `ranking.json`, with its protocol, baselines, groups and verdict.

        Raises:
          ConfigError: there is no checkpoint, or no data is named.
          DataError: the data cannot be read.
        """
        prefix = find_checkpoint(checkpoint or self.model_dir)
        parts, step = self._restored(prefix)
        path = path or self._eval_path()
        evaluation = ModelEvaluator(parts, path, train_path(self.pipeline))
        log.info("evaluation of step %d, %s, on %s", step, prefix, path)
        metrics = evaluation.run(step, prefix, bar=True)
        if evaluation.ranking:
            log.info("%s", evaluation.ranking.text())
        write_result(self.model_dir, step, metrics)
        return metrics

    def export(
        self,
        folder: str | Path | None = None,
        checkpoint: str | None = None,
        options: ExportOptions | None = None,
    ) -> Path:
        """Exports a checkpoint (default: the newest) to `folder/STEP`; returns that folder.

        Args:
          folder: default `model_dir/export/final`.
          checkpoint: a prefix, or a folder whose newest is meant.
          options: items and index; by default the config's items, if it has a table.

        Raises:
          NotExported: a weight is not finite.
        """
        parts, step = self._restored(checkpoint)
        broken = list(not_finite(parts.model))
        if broken:
            raise NotExported(broken)
        root = Path(folder or self.model_dir / "export" / "final")
        return export_models(parts, root, step, options)

    def predict(self, prediction: Prediction) -> int:
        """Scores a file with an exported SavedModel; returns the number of rows written."""
        return predict_file(self.pipeline, prediction)

    def _restored(self, checkpoint: str | None) -> tuple[Parts, int]:
        prefix = find_checkpoint(checkpoint or self.model_dir)
        parts = build(self.pipeline)
        optimizers = self.config.train_config.optimizer_config
        load_weights(prefix, parts.model, bool(optimizers) and optimizers[0].use_moving_average)
        return parts, step_of(prefix)

    def _eval_path(self) -> str:
        path = eval_path(self.pipeline)
        if path:
            return path
        raise ConfigError(
            Problem(
                "no data to evaluate on",
                self.pipeline.place("eval_input_path"),
                path="eval_input_path",
                remedy="set eval_input_path in the config or on the command line",
            )
        )


def _follows(cluster: Cluster) -> Problem:
    return Problem(
        f"{cluster.name} must not start training",
        Place(VARIABLE),
        path="task",
        expected="the chief, or a worker that steps together with others",
        remedy="start it by python -m easyrec_lite.train, which plays every role",
    )
