"""What must hold before a model is exported: a model that learnt nothing must not be served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import tensorflow as tf

from easyrec_lite.checks.decision import decision_metric
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import Problem
from easyrec_lite.evaluation.ranking.report import RankingReport
from easyrec_lite.models.base import Model


def refusals(
    pipeline: Pipeline,
    model: Model,
    step: int,
    metrics: Mapping[str, float],
    ranking: RankingReport | None,
) -> list[Problem]:
    """Returns why a model must not be exported; nothing when it may be.

    Args:
      pipeline: the config.
      model: with the weights that would be exported.
      step: steps that it was trained for.
      metrics: of its evaluation.
      ranking: its full ranking, if it had one.
    """
    return [
        *_untrained(pipeline, step),
        *not_finite(model),
        *_below_floor(pipeline, metrics),
        *_below_popularity(pipeline, ranking),
    ]


def _untrained(pipeline: Pipeline, step: int) -> Iterator[Problem]:
    if step == 0:
        yield Problem(
            "no step was trained: the weights are random",
            pipeline.place("data_config.batch_size"),
            path="data_config.batch_size",
            remedy="give more rows than batch_size, or set data_config.drop_remainder: false",
        )


def not_finite(model: Model) -> Iterator[Problem]:
    """Yields the variables of a model that hold a value that is not finite."""
    for name, variable in model.variables_by_name().items():
        if variable.dtype.is_floating and not tf.reduce_all(tf.math.is_finite(variable)):
            yield Problem(f"variable {name!r} holds a value that is not finite")


def _below_floor(pipeline: Pipeline, metrics: Mapping[str, float]) -> Iterator[Problem]:
    config = pipeline.config.export_config
    if not config.HasField("metric_floor"):
        return
    name, floor = decision_metric(config), config.metric_floor
    value = metrics.get(name)
    sign = 1.0 if config.metric_bigger else -1.0
    if value is None or not sign * value >= sign * floor:
        yield Problem(
            f"{name} does not reach export_config.metric_floor",
            pipeline.place("export_config.metric_floor"),
            path="export_config.metric_floor",
            expected=f"at {'least' if config.metric_bigger else 'most'} {floor:g}",
            found="undefined" if value is None else f"{value:g}",
        )


def _below_popularity(pipeline: Pipeline, ranking: RankingReport | None) -> Iterator[Problem]:
    config = pipeline.config.export_config
    if not config.above_popularity:
        return
    name = decision_metric(config)
    model, popularity = ranking.compared(name) if ranking else (None, None)
    if model is None or popularity is None or model <= popularity:
        advised = ranking.verdict["advice"] if ranking else []
        tried = "; ".join(advised) or "more steps"
        yield Problem(
            f"{name} is not above that of ranking by popularity",
            pipeline.place("export_config.above_popularity"),
            path="export_config.above_popularity",
            expected="more than " + ("undefined" if popularity is None else f"{popularity:g}"),
            found="undefined" if model is None else f"{model:g}",
            remedy=f"try {tried}; see docs/negatives.md",
        )
