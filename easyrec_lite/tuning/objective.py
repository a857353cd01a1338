"""What a study optimises: a metric of the evaluations, its direction, the value of a trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from easyrec_lite.checks.decision import LOSS, TOTAL_LOSS, decision_metric, loss_names
from easyrec_lite.checks.ranking import EXCLUDED, KEPT
from easyrec_lite.checks.rules.full_ranking import asked
from easyrec_lite.checks.rules.metrics import computed, reported_names
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.config.data_paths import eval_path
from easyrec_lite.core.errors import ConfigError, Place, Problem, nearest
from easyrec_lite.training.history import EvaluationRecord

RANKING = "full_ranking/"
PREFERRED = "ndcg@"
ASK = "eval_config { full_ranking { topk: 10 } }"


@dataclass(frozen=True)
class Objective:
    """A metric to optimise.

    Attributes:
      metric: its name in `evaluations.jsonl`.
      bigger: whether a larger value is better.
      best: whether a trial counts by its best evaluation, as an export of type `best`; else by its
        last one.
    """

    metric: str
    bigger: bool
    best: bool

    def better(self, value: float, other: float | None) -> bool:
        """Returns whether a value is better than another, or there is no other."""
        return other is None or (value > other if self.bigger else value < other)

    def series(self, records: Sequence[EvaluationRecord]) -> list[float]:
        """Returns the metric of each evaluation that has a finite value of it."""
        return [record.metrics[self.metric] for record in self._usable(records)]

    def result(self, records: Sequence[EvaluationRecord]) -> EvaluationRecord | None:
        """Returns the evaluation that a finished trial counts by; None without a finite value."""
        usable = self._usable(records)
        if not usable or not self.best:
            return usable[-1] if usable else None
        sign = -1.0 if self.bigger else 1.0
        return min(usable, key=lambda record: sign * record.metrics[self.metric])

    def _usable(self, records: Sequence[EvaluationRecord]) -> list[EvaluationRecord]:
        return [r for r in records if math.isfinite(r.metrics.get(self.metric, math.nan))]


def objective(pipeline: Pipeline, metric: str | None) -> Objective:
    """Returns what to optimise for a checked config.

    Args:
      pipeline: the config.
      metric: the name of the metric; None for the config's `best_exporter_metric` if that is one
        of the full ranking, else for NDCG of the full ranking.

    Raises:
      ConfigError: the config evaluates nothing, or not this metric.
    """
    view = View(pipeline)
    if not eval_path(pipeline):
        raise ConfigError(_nothing_evaluated(view))
    name = metric or _default(view)
    losses = loss_names(view)
    known = [*reported_names(view), *(losses or [TOTAL_LOSS])]
    if name not in known and not (losses is None and name.startswith(LOSS)):
        raise ConfigError(_not_reported(view, name, known))
    export = pipeline.config.export_config
    return Objective(name, _bigger(view, name), export.exporter_type == "best")


def warnings(pipeline: Pipeline, chosen: Objective) -> list[Problem]:
    """Returns what makes the result of a study doubtful."""
    view, found = View(pipeline), []
    path = eval_path(pipeline)
    if any("test" in PurePath(part).name.lower() for part in path.split(",")):
        found.append(
            view.warning(
                "eval_input_path",
                "the trials are compared on data that is named as test data; a figure on data that "
                "settings were chosen by is no estimate for new data",
                expected="validation data, which is neither trained on nor reported",
                found=path,
                remedy="hold out a part of the training data, and set eval_input_path to it",
            )
        )
    if not chosen.metric.startswith(RANKING):
        found.append(
            Problem(
                f"{chosen.metric} does not rank all items; its best settings may not be those of "
                "the ranking",
                Place("--metric"),
                remedy=f"optimise a metric of a full ranking: {ASK}",
                severity="warning",
            )
        )
    return found


def never_pruned(pipeline: Pipeline) -> list[Problem]:
    """Returns that the config evaluates once, at its end, so that a pruner never acts."""
    train = pipeline.config.train_config
    if train.save_checkpoints_secs or not 0 < train.num_steps <= train.save_checkpoints_steps:
        return []
    return [
        View(pipeline).warning(
            "train_config.save_checkpoints_steps",
            "trials are evaluated at their end only, so that none is pruned",
            expected=f"fewer steps than num_steps, {train.num_steps}",
            found=str(train.save_checkpoints_steps),
            remedy="set save_checkpoints_steps to a part of num_steps, or give --pruner none",
        )
    ]


def _default(view: View) -> str:
    decides = decision_metric(view.config.export_config)
    ranked = [name for name in reported_names(view) if name.startswith(RANKING)]
    if decides in ranked:
        return decides
    for rule in (EXCLUDED, KEPT):
        names = [name for name in ranked if name.startswith(f"{RANKING}{rule}/{PREFERRED}")]
        if names:
            return min(names, key=lambda name: abs(int(name.rpartition("@")[2]) - 10))
    raise ConfigError(
        view.error(
            "eval_config.full_ranking",
            "the config does not rank all items at its evaluations, which trials are compared by",
            expected=ASK,
            remedy="ask for it in the config, or by the flag "
            "--eval_config.full_ranking='{\"topk\": [10]}'; or name another metric by --metric: "
            + ", ".join([*reported_names(view), *(loss_names(view) or [TOTAL_LOSS])]),
        )
    )


def _bigger(view: View, name: str) -> bool:
    if name.startswith(LOSS):
        return False
    if name == decision_metric(view.config.export_config):
        return view.config.export_config.metric_bigger
    specs = [spec for metric, spec in computed(view) if name in spec.reported(metric.config)]
    return all(spec.bigger for spec in specs)


def _nothing_evaluated(view: View) -> Problem:
    return view.error(
        "eval_input_path",
        "the config names no evaluation data, which trials are compared by",
        expected="validation data, which is neither trained on nor reported",
        remedy="set eval_input_path, or give --eval_input_path",
    )


def _not_reported(view: View, name: str, known: list[str]) -> Problem:
    remedy = "name a metric that eval_config computes"
    if name.startswith(RANKING) and not asked(view):
        remedy = f"ask for it, {ASK}, or {remedy}"
    return Problem(
        f"evaluations do not report {name!r}",
        Place("--metric"),
        expected="one of " + ", ".join(known),
        found=name,
        nearest=nearest(name, known),
        remedy=remedy,
    )
