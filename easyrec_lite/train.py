"""`python -m easyrec_lite.train --config NAME`: trains, evaluates, exports."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from easyrec_lite.distribution.cluster import mode_of, problems_of
from easyrec_lite.distribution.tf_config import from_environment
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.fresh_start import set_aside
from easyrec_lite.runs.process import leave, prepare


def main(argv: Sequence[str]) -> int:
    """Trains to the end of the config's steps; prints what was made and what to type next."""
    parser = cli.base_parser("python -m easyrec_lite.train", main.__doc__ or "")
    args = parser.parse_args(argv)
    pipeline = cli.pipeline_from(args)
    cluster = from_environment()
    mode_of(pipeline, cluster)
    chief = cluster is None or cluster.chief
    prepare(pipeline, quiet=not chief, training=True)
    for warning in problems_of(pipeline, cluster) if chief else []:
        print(warning, file=sys.stderr)
    if cluster and cluster.follows:
        from easyrec_lite.runs.roles import play

        return play(pipeline, cluster)
    from easyrec_lite.reporting.write import report_after
    from easyrec_lite.runs.estimator import Estimator
    from easyrec_lite.runs.progress import make_progress
    from easyrec_lite.runs.summary import finish, next_commands, start

    if chief and not args.continue_train:
        set_aside(pipeline)
    estimator = Estimator(pipeline, [make_progress()])
    print(start(pipeline), flush=True)
    result = estimator.train_and_evaluate()
    if not chief:
        print(f"done at step {result.step}: {result.reason}")
        return 0
    print(finish(pipeline, result), flush=True)
    print(report_after(pipeline))
    print(next_commands(pipeline, result))
    return 0


def _run() -> NoReturn:
    try:
        code = cli.run(main)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    leave(code)


if __name__ == "__main__":
    _run()
