"""The evaluator of a cluster: evaluates and exports each checkpoint that the chief writes."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import RunError
from easyrec_lite.distribution.base import from_checkpoint
from easyrec_lite.distribution.ending import POLL_SECONDS, RunEndWatcher
from easyrec_lite.runs.checkpoint_evaluator import CheckpointEvaluator
from easyrec_lite.runs.progress import ProgressLines
from easyrec_lite.training.checkpoint_files import checkpoint_at, checkpoint_paths, step_of
from easyrec_lite.training.history import EvaluationHistory
from easyrec_lite.training.hooks import Summaries

log = logging.getLogger(__name__)


def evaluate_each(pipeline: Pipeline) -> int:
    """Evaluates the checkpoints of a run, oldest first, until it ends; returns its exit code.

    Checkpoints that were evaluated before, or are removed before their turn, are skipped.

    Raises:
      ConfigError: the config does not fit the model.
      DataError: the evaluation data cannot be read.
    """
    folder = Path(pipeline.config.model_dir)
    watcher = RunEndWatcher(folder)
    hooks = [ProgressLines(), Summaries(folder, 0)]
    evaluator = CheckpointEvaluator(pipeline, *from_checkpoint(pipeline), hooks)
    log.info("waiting for checkpoints in %s", folder)
    evaluated: list[int] = []
    while True:
        code = watcher.code()
        last = last_evaluated(folder, evaluated)
        newer = [path for path in checkpoint_paths(folder) if step_of(path) > last]
        for prefix in newer:
            evaluated.append(step_of(prefix))
            _evaluate(evaluator, prefix)
        if newer:
            continue
        if code is not None:
            break
        time.sleep(POLL_SECONDS)
    if code == 0 and last >= 0:
        evaluator.export_final(last, checkpoint_at(folder, last))
    for hook in hooks:
        hook.end(last)
    return code


def last_evaluated(folder: Path, evaluated: Sequence[int]) -> int:
    """Returns the last step that was evaluated, here or by an earlier run; −1 if none.

    The history is read each time, since a chief that starts afresh renames the folder.
    """
    return max(
        [*evaluated, *(entry.step for entry in EvaluationHistory(folder).read())], default=-1
    )


def _evaluate(evaluator: CheckpointEvaluator, prefix: str) -> None:
    try:
        evaluator.evaluate(step_of(prefix), prefix)
    except RunError:
        if prefix in checkpoint_paths(Path(prefix).parent):
            raise
        log.warning("%s is skipped: newer checkpoints have replaced it", prefix)
