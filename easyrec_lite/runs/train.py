"""A process's part in training a config, from its warnings to the next commands to type."""

from __future__ import annotations

import sys

from easyrec_lite.config import Pipeline
from easyrec_lite.distribution.cluster import JOIN_SECONDS, Cluster, mode_of, problems_of
from easyrec_lite.distribution.tf_config import from_environment
from easyrec_lite.runs.process import prepare


def train(
    pipeline: Pipeline, continue_train: bool = True, join_seconds: float = JOIN_SECONDS
) -> int:
    """Trains, evaluates and exports as the config says, and prints what was made.

    Args:
      pipeline: the config.
      continue_train: whether to go on from the newest checkpoint in `model_dir`; else the folder
        is renamed.
      join_seconds: how long to wait for the other processes of TF_CONFIG.

    Returns:
      The exit code of the process.

    Raises:
      ConfigError: TF_CONFIG is wrong, or does not fit the config.
      DataError, RunError, PeerLost: as of `Estimator.train`.
    """
    cluster = from_environment(join_seconds)
    mode_of(pipeline, cluster)
    chief = cluster is None or cluster.chief
    prepare(pipeline, quiet=not chief, training=True)
    for warning in problems_of(pipeline, cluster) if chief else []:
        print(warning, file=sys.stderr)
    if cluster and cluster.follows:
        return _follow(pipeline, cluster)
    if chief and not continue_train:
        from easyrec_lite.runs.fresh_start import set_aside

        set_aside(pipeline)
    _lead(pipeline, chief, join_seconds)
    return 0


def _follow(pipeline: Pipeline, cluster: Cluster) -> int:
    from easyrec_lite.runs.roles import play

    return play(pipeline, cluster)


def _lead(pipeline: Pipeline, chief: bool, join_seconds: float) -> None:
    from easyrec_lite.reporting.write import report_after
    from easyrec_lite.runs.estimator import Estimator
    from easyrec_lite.runs.progress import make_progress
    from easyrec_lite.runs.summary import finish, next_commands, start

    estimator = Estimator(pipeline, [make_progress()], join_seconds)
    print(start(pipeline), flush=True)
    result = estimator.train_and_evaluate()
    if not chief:
        print(f"done at step {result.step}: {result.reason}")
        return
    print(finish(pipeline, result), flush=True)
    print(report_after(pipeline))
    print(next_commands(pipeline, result))
