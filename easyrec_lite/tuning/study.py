"""The trials of a study in Optuna's storage: a journal of JSON lines in the study's folder."""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError
from easyrec_lite.core.files import atomic_write, damaged
from easyrec_lite.tuning.space import Space

NAME = "study"
LOCK = ".lock"
OWN = "own"
# Evaluations of a trial that are never pruned, and finished trials before the first pruning.
WARM_UP, STARTUP_TRIALS = 1, 5
# Done trials before importances are measured.
MEASURED_TRIALS = 8
DONE, PRUNED, FAILED, RUNNING = "done", "pruned", "failed", "running"
STATES = {TrialState.COMPLETE: DONE, TrialState.PRUNED: PRUNED, TrialState.FAIL: FAILED}


@dataclass(frozen=True)
class TrialRow:
    """What is known of a trial.

    Attributes:
      number: counted from 0.
      state: `done`, `pruned`, `failed` or `running`.
      value: of the metric; of a pruned trial its last one.
      step: of the evaluation that it counts by.
      seconds: that it took.
      settings: path → value, as the parameter writes it.
      series: the metric at each evaluation.
      cause: why it failed.
      own: whether the settings are the config's own.
    """

    number: int
    state: str
    value: float | None
    step: int | None
    seconds: float
    settings: dict[str, Any]
    series: list[float]
    cause: str
    own: bool = False


class Trial:
    """A running trial: its settings, and what is told about it."""

    def __init__(self, study: optuna.Study, trial: optuna.trial.Trial, space: Space):
        self._study, self._trial = study, trial
        self.number = trial.number
        self.edits = {each.path: each.edit(each.ask(trial)) for each in space}
        known = study.get_trials(deepcopy=False)[trial.number]
        self._reported = len(known.intermediate_values)
        self._seconds_before = float(known.user_attrs.get("seconds", 0.0))

    def report(self, series: Sequence[float]) -> bool:
        """Adds the metric's new values; returns whether the trial should be pruned.

        The pruner compares the same evaluation of all trials, the first, second, …: their steps
        may differ, for example with the batch size.
        """
        prune = False
        for at in range(self._reported, len(series)):
            self._trial.report(series[at], at + 1)
            prune = prune or self._trial.should_prune()
        self._reported = max(self._reported, len(series))
        return prune

    def spent(self, seconds: float) -> None:
        """Records how long the trial ran since this process started or resumed it."""
        self._trial.set_user_attr("seconds", self._seconds_before + seconds)

    def done(self, value: float, step: int) -> None:
        """Records the result."""
        self._trial.set_user_attr("step", step)
        self._study.tell(self._trial, value)

    def pruned(self, step: int | None) -> None:
        """Records that the trial was pruned; its value is the last one reported."""
        self._trial.set_user_attr("step", step)
        self._study.tell(self._trial, state=TrialState.PRUNED)

    def failed(self, cause: str) -> None:
        """Records why the trial failed."""
        self._trial.set_user_attr("cause", cause)
        self._study.tell(self._trial, state=TrialState.FAIL)


class Study:
    """The trials in a file, and what Optuna suggests next.

    The sampler's seed depends on (seed, number of the trial), so that a study that is continued
    suggests what it would have suggested without the interruption, if one trial runs at a time.

    Args:
      path: the journal; created if necessary. No other process may use it.
      space: the parameters.
      bigger: whether a larger value is better.
      seed: of the sampler.
      pruner: `median`, `hyperband` or `none`.
      jobs: how many trials run at a time.

    Raises:
      DataError: the journal is damaged.
    """

    def __init__(self, path: Path, space: Space, bigger: bool, seed: int, pruner: str, jobs: int):
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space, self._seed, self._jobs = space, seed, jobs
        _repair(path)
        lock = JournalFileOpenLock(str(path))
        try:
            self._storage = JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
            self.optuna = optuna.create_study(
                storage=self._storage,
                study_name=NAME,
                direction="maximize" if bigger else "minimize",
                load_if_exists=True,
                pruner=_pruner(pruner),
            )
        except (ValueError, KeyError) as error:
            remedy = "restore a copy, or give another --study_dir"
            raise DataError(damaged(path, error, remedy)) from error

    def begin_with(self, settings: Mapping[str, object]) -> None:
        """Makes these settings, path → stored value, those of the first trial of a new study."""
        if not self.optuna.get_trials(deepcopy=False):
            self.optuna.enqueue_trial(dict(settings), user_attrs={OWN: True})

    def unfinished(self) -> list[Trial]:
        """Returns the trials that an earlier process left running."""
        study_id = self._storage.get_study_id_from_name(NAME)
        left = [trial for trial in self._trials() if trial.state == TrialState.RUNNING]
        ids = [
            self._storage.get_trial_id_from_study_id_trial_number(study_id, trial.number)
            for trial in left
        ]
        return [self._trial(optuna.trial.Trial(self.optuna, each)) for each in ids]

    def ask(self) -> Trial:
        """Returns a new trial."""
        seed = random.Random(f"{self._seed} {len(self._trials())}").getrandbits(32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            self.optuna.sampler = TPESampler(seed=seed, constant_liar=self._jobs > 1)
        return self._trial(self.optuna.ask())

    def rows(self) -> list[TrialRow]:
        """Returns all trials by number."""
        return [_row(trial) for trial in self._trials()]

    def count(self) -> int:
        """Returns how many trials there are, running ones included."""
        return len(self._trials())

    def importances(self) -> dict[str, float]:
        """Returns path → share of the parameter in what sets the best tenth of trials apart.

        By PED-ANOVA (Watanabe et al., 2023), which needs neither a model nor scikit-learn. Empty
        while fewer than `MEASURED_TRIALS` trials are done.
        """
        done = [trial for trial in self._trials() if trial.state == TrialState.COMPLETE]
        if len(done) < MEASURED_TRIALS or len({trial.value for trial in done}) == 1:
            return {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            evaluator = PedAnovaImportanceEvaluator()
            return dict(get_param_importances(self.optuna, evaluator=evaluator))

    def _trial(self, trial: optuna.trial.Trial) -> Trial:
        return Trial(self.optuna, trial, self._space)

    def _trials(self) -> list[FrozenTrial]:
        """Returns the trials that were started."""
        trials = self.optuna.get_trials(deepcopy=False)
        return [trial for trial in trials if trial.state != TrialState.WAITING]


def _row(trial: FrozenTrial) -> TrialRow:
    attributes = trial.user_attrs
    return TrialRow(
        trial.number,
        STATES.get(trial.state, RUNNING),
        trial.value,
        attributes.get("step"),
        float(attributes.get("seconds", 0.0)),
        dict(trial.params),
        [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)],
        attributes.get("cause", ""),
        bool(attributes.get(OWN)),
    )


def _pruner(name: str) -> BasePruner:
    if name == "median":
        return MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=WARM_UP + 1)
    if name == "hyperband":
        return HyperbandPruner(min_resource=1, max_resource="auto")
    return NopPruner()


def _repair(path: Path) -> None:
    """Removes what a killed process left: its lock, and the start of a line."""
    fs.remove_file(path.with_name(path.name + LOCK), missing_ok=True)
    content = fs.read_bytes(path) if fs.exists(path) else b""
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        atomic_write(path, whole)
