"""`python -m easyrec_lite.train --config NAME`: trains, evaluates, exports."""

from __future__ import annotations

from argparse import Namespace

from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.config_flags import FIELDS, config_parser, pipeline_from

EXAMPLES = (
    "--config dssm_senet_on_taobao.config",
    "--config my.config --model_dir experiments/smaller --train_config.num_steps=200",
)


def parser() -> cli.Parser:
    """Returns the command's flags."""
    made = config_parser("train", EXAMPLES, shows=tuple(FIELDS))
    cli.add_bool(made, "--continue_train", True, "continue from the newest checkpoint in model_dir")
    made.add_argument(
        "--join_timeout",
        type=cli.positive,
        metavar="SECONDS",
        help="how long to wait for the other processes of TF_CONFIG (default: 600)",
    )
    return made


def main(args: Namespace) -> int:
    """Trains as the flags say."""
    from easyrec_lite.distribution.cluster import JOIN_SECONDS
    from easyrec_lite.runs.train import train

    return train(pipeline_from(args), args.continue_train, args.join_timeout or JOIN_SECONDS)


if __name__ == "__main__":
    from easyrec_lite.runs.process import leave

    leave(cli.run(parser, main))
