"""`python -m easyrec_lite.train --config NAME`: trains, evaluates, exports."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from easyrec_lite import cli
from easyrec_lite.cluster import Mode, mode_of, problems_of
from easyrec_lite.runtime import prepare, set_aside
from easyrec_lite.tf_config import from_environment


def main(argv: Sequence[str]) -> int:
    """Trains to the end of the config's steps; prints what was made and what to type next."""
    parser = cli.base_parser("python -m easyrec_lite.train", main.__doc__ or "")
    args = parser.parse_args(argv)
    pipeline = cli.pipeline_from(args)
    cluster = from_environment()
    mode = mode_of(pipeline, cluster)
    prepare(pipeline)
    for warning in problems_of(pipeline, cluster):
        print(warning, file=sys.stderr)
    if cluster and (mode is Mode.PS or cluster.role == "evaluator") and not cluster.chief:
        from easyrec_lite.training.distribution.roles import play

        return play(pipeline, cluster)
    from easyrec_lite.estimator import Estimator
    from easyrec_lite.reporting.write import report_after
    from easyrec_lite.training.progress import make_progress
    from easyrec_lite.training.summary import finish, next_commands, start

    chief = cluster is None or cluster.chief
    if not args.continue_train and chief:
        set_aside(pipeline.config.model_dir)
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


if __name__ == "__main__":
    sys.exit(cli.run(main))
