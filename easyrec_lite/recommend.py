"""`python -m easyrec_lite.recommend`: the best items for users, out of an exported model."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.config_flags import config_parser, exported_pipeline

EXAMPLES = (
    """--saved_model_dir experiments/dssm_senet_on_taobao \\
    --user '{"user_id": "7"}' --fill_missing --topk 5""",
    "--saved_model_dir experiments/dssm_senet_on_taobao --input_path users.csv \\\n"
    "    --reserved_cols user_id --output_path recommended.csv",
)


def parser() -> cli.Parser:
    """Returns the command's flags."""
    made = config_parser("recommend", EXAMPLES, ("model_dir",), required=False)
    add = made.add_argument
    add(
        "--saved_model_dir", metavar="DIR", help="an export, a folder of exports, or a model folder"
    )
    users = made.add_mutually_exclusive_group(required=True)
    users.add_argument(
        "--user",
        metavar="JSON",
        help="""columns of a user, '{"user_id": "7"}', or a list of users""",
    )
    users.add_argument("--input_path", metavar="FILES", help="users, in the config's input format")
    add(
        "--topk",
        type=cli.positive,
        default=10,
        metavar="K",
        help="items for each user (default: 10)",
    )
    add(
        "--seen",
        default="",
        metavar="IDS",
        help="items to leave out, separated by commas or as a JSON list; a list for ids with @",
    )
    add("--seen_column", default="", metavar="COLUMN", help="input column of items to leave out")
    add("--seen_separator", default="|", metavar="TEXT", help="between ids there (default: |)")
    add("--reserved_cols", default="", metavar="COLUMN,…", help="user columns to copy")
    add(
        "--output_path",
        type=cli.table_file,
        metavar="FILE",
        help="a .parquet file, or delimited text (default: print)",
    )
    cli.add_text_flags(made)
    add(
        "--batch_size",
        type=cli.positive,
        default=1024,
        metavar="B",
        help="users of a batch (default: 1024)",
    )
    cli.add_bool(
        made,
        "--fill_missing",
        False,
        "fill columns that the model reads and the input lacks with the defaults of their fields",
    )
    cli.add_bool(made, "--with_header", False, "the first line of the input names its columns")
    return made


def main(args: Namespace) -> None:
    """Recommends as the flags say."""
    pipeline = exported_pipeline(args)
    seen, reserved = _ids(args.seen), cli.names(args.reserved_cols)
    from easyrec_lite.runs.process import prepare

    prepare(pipeline)
    from easyrec_lite.serving.recommend import recommend_to_file, recommend_to_users
    from easyrec_lite.serving.recommendations import RecommendationOptions
    from easyrec_lite.serving.writers import TextDialect

    columns = (args.seen_column, args.seen_separator)
    recommend = recommend_to_file if args.user is None else recommend_to_users
    recommend(
        pipeline,
        Path(args.saved_model_dir or pipeline.config.model_dir),
        RecommendationOptions(
            args.topk, seen, reserved, *columns, args.batch_size, args.fill_missing
        ),
        args.input_path if args.user is None else args.user,
        Path(args.output_path) if args.output_path else None,
        TextDialect(args.output_sep, args.guard_formulas),
    )


def _ids(text: str) -> list[str]:
    """Item ids by commas, or as a JSON list where an id holds a comma."""
    if text.startswith("@"):
        problem = Problem(
            "--seen reads no file",
            cli.COMMAND_LINE,
            expected="item ids",
            found=text,
            remedy="give the ids, 17,4; a JSON list if an id begins with @; or for each user of a "
            "file: --seen_column",
        )
        raise ConfigError(problem)
    if not text.startswith("["):
        return cli.names(text)
    try:
        return [str(item) for item in json.loads(text)]
    except json.JSONDecodeError as error:
        problem = Problem(f"--seen is broken JSON: {error.msg}", cli.COMMAND_LINE, found=text)
        raise ConfigError(problem) from error


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
