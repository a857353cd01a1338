"""Evaluators: metrics and losses over data files, and what else an evaluation writes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.evaluation.feature_weights import ROWS, write_feature_weights
from easyrec_lite.evaluation.ranking.full import FullRanking
from easyrec_lite.evaluation.ranking.report import RankingReport
from easyrec_lite.features.batch import Batch
from easyrec_lite.metrics.base import Metric
from easyrec_lite.metrics.open import open_metrics
from easyrec_lite.models.assembly import Parts
from easyrec_lite.training.input import BatchInput, ReadPlan

log = logging.getLogger(__name__)


class ModelEvaluator:
    """Evaluates a model: the config's metrics, and a full ranking if the config asks for one.

    Args:
      parts: the model; each `run` uses its current weights.
      path: files, as in `eval_input_path`.
      seen_path: data whose items count as seen if the config names none.
      again: whether `run` will be called more than once.

    Attributes:
      ranking: the report of the last full ranking; None without one.

    Raises:
      DataError: no such file.
    """

    def __init__(self, parts: Parts, path: str, seen_path: str, again: bool = False):
        self._model = parts.model
        self._evaluator = MetricEvaluator(parts, path, again)
        config = parts.pipeline.config
        asked = config.eval_config.HasField("full_ranking")
        self._full = FullRanking(parts, path, seen_path) if asked else None
        self._folder = Path(config.model_dir)
        self.ranking: RankingReport | None = None

    def run(self, step: int, checkpoint: str, bar: bool = False) -> dict[str, float]:
        """Returns metric name → value.

        Writes `feature_weights.json` of a model with SENet layers, and `ranking.json` of a full
        ranking, to the model folder.

        Args:
          step: the number of steps that the model was trained for.
          checkpoint: the prefix of its checkpoint.
          bar: whether a progress bar may be shown.

        Raises:
          DataError: a row cannot be read, or there are no rows.
          RunError: a vector to rank by is not finite.
        """
        metrics = self._evaluator.run()
        write_feature_weights(self._folder, step, self._model, self._evaluator.sample(ROWS))
        if self._full is None:
            return metrics
        self.ranking = self._full.run(step, checkpoint, bar)
        self.ranking.write(self._folder)
        return {**metrics, **self.ranking.metrics()}


class MetricEvaluator:
    """Computes the config's metrics over data files.

    Args:
      parts: the model; each `run` uses its current weights.
      path: files, as in `eval_input_path`.
      again: whether `run` will be called more than once.

    Raises:
      DataError: no such file.
    """

    def __init__(self, parts: Parts, path: str, again: bool = False):
        config = parts.pipeline.config
        self._model = parts.model
        self._metrics = open_metrics(config)
        self._path = path
        columns = [*parts.model.extra_columns, *(c for m in self._metrics for c in m.columns)]
        self._input = BatchInput(
            parts.pipeline,
            path,
            parts.transform,
            tuple(dict.fromkeys(columns)),
            # Where no items compete, sampled ones change no metric.
            parts.candidate_features if View(parts.pipeline).listwise else (),
            training=False,
            again=again,
        )
        self._batch_size = config.data_config.eval_batch_size
        self._order = ReadPlan(seed=config.train_config.seed, limit=config.eval_config.num_examples)
        self._batches: tf.data.Dataset | None = None
        self._from_cache = False
        self._undefined: list[Metric] = []

    @tf.function(autograph=False, reduce_retracing=True)
    def _step(
        self, batch: Batch
    ) -> tuple[list, dict[str, tf.Tensor], dict[str, tf.Tensor], tf.Tensor]:
        outputs = self._model(batch, training=False)
        losses = self._model.losses(outputs, batch)
        losses["total_loss"] = tf.add_n(list(losses.values()))
        states = [metric.state(outputs, batch) for metric in self._metrics]
        return states, losses, self._model.measures(outputs), batch.rows

    def _dataset(self) -> tf.data.Dataset:
        """Returns the batches; the data set is made again only once a cache replaces the files."""
        if self._batches is None or self._from_cache != self._input.cached:
            self._batches = self._input.batches(self._batch_size, self._order)
            self._from_cache = self._input.cached
        return self._batches

    def run(self) -> dict[str, float]:
        """Returns metric name → value, then the means over rows of what else the model measures.

        The last are `loss/NAME`, those of the losses.

        Raises:
          DataError: a row cannot be read, or there are no rows.
        """
        totals = [metric.empty() for metric in self._metrics]
        sums: dict[str, float] = {}
        count = 0
        for batch in self._input.read(self._dataset()):
            states, losses, measures, rows = self._step(batch)
            totals = [
                metric.merge(total, {name: value.numpy() for name, value in state.items()})
                for metric, total, state in zip(self._metrics, totals, states, strict=True)
            ]
            count += int(rows)
            named = measures | {f"loss/{name}": value for name, value in losses.items()}
            for name, value in named.items():
                sums[name] = sums.get(name, 0.0) + float(value) * int(rows)
        if not count:
            raise DataError(Problem("no rows to evaluate", Place(self._path)))
        results: dict[str, float] = {}
        for metric, total in zip(self._metrics, totals, strict=True):
            values = metric.compute(total)
            if not values and metric not in self._undefined:
                self._undefined.append(metric)
                log.warning("%s is undefined: %s", type(metric).__name__, metric.undefined)
            results.update(values)
        return {**results, **{name: value / count for name, value in sums.items()}}

    def sample(self, rows: int) -> Iterator[Batch]:
        """Yields the first batches, until they have `rows` rows.

        Raises:
          DataError: a row cannot be read.
        """
        count = 0
        for batch in self._input.read(self._dataset()):
            yield batch
            count += int(batch.rows)
            if count >= rows:
                return
