"""What a user asks a study for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from easyrec_lite.tuning.process import POLL_SECONDS, TRAIN
from easyrec_lite.tuning.space import Space

TRIALS = 20


@dataclass(frozen=True)
class Request:
    """What the flags ask for.

    Attributes:
      config: name or file of the config.
      edits: the edits of all trials.
      space: the parameters.
      study_dir: the folder of the study; None for one beside the config's model folder.
      metric: what to optimise; None for the config's choice.
      trials, jobs, keep: see `Plan`.
      pruner: `median`, `hyperband` or `none`.
      seed: of the sampler.
      plugins: modules to import in each trial.
      command: the words before the flags of `train`.
      poll_seconds: how often the processes are looked at.
    """

    config: str
    edits: Mapping[str, object]
    space: Space
    study_dir: str | None = None
    metric: str | None = None
    trials: int = TRIALS
    jobs: int = 1
    keep: int = 1
    pruner: str = "median"
    seed: int = 0
    plugins: Sequence[str] = ()
    command: Sequence[str] = TRAIN
    poll_seconds: float = POLL_SECONDS
