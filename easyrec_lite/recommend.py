"""`python -m easyrec_lite.recommend`: the best items for users, out of an exported model."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.core.files import atomic_file
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.process import prepare


def main(argv: Sequence[str]) -> int:
    """Prints or writes the K best items for each user, with the items' columns."""
    parser = cli.base_parser("python -m easyrec_lite.recommend", main.__doc__ or "", False)
    add = parser.add_argument
    add("--saved_model_dir", metavar="DIR", help="an export, or a model folder")
    users = parser.add_mutually_exclusive_group(required=True)
    users.add_argument(
        "--user", metavar="JSON", help="""'{"user_id": "7"}', or a list; columns of the user"""
    )
    users.add_argument("--input_path", metavar="FILES", help="users, in the config's input format")
    add("--topk", type=cli.positive, default=10, metavar="K", help="items a user (default: 10)")
    add("--seen", default="", metavar="IDS", help="items to leave out, by commas or as JSON list")
    add("--seen_column", default="", help="column of the input: items that its user has seen")
    add("--seen_separator", default="|", help="stands between the ids there (default: |)")
    add("--reserved_cols", default="", help="user columns to carry along, by commas")
    add("--output_path", metavar="FILE", help="a .parquet file, or delimited text; else printed")
    add("--output_sep", default=",", help="separator of delimited text")
    add("--batch_size", type=cli.positive, default=1024, help="users at once")
    cli.add_bool(parser, "--with_header", False, "the input's first line names its columns")
    args = parser.parse_args(argv)
    pipeline = cli.exported_pipeline(args)
    prepare(pipeline)
    from easyrec_lite.serving.recommendations import RecommendationOptions, Recommendations

    wish = RecommendationOptions(
        args.topk,
        _ids(args.seen),
        cli.names(args.reserved_cols),
        args.seen_column,
        args.seen_separator,
        args.batch_size,
    )
    found = Recommendations(Path(args.saved_model_dir or pipeline.config.model_dir), wish)
    if args.user is None:
        tables = found.of_file(pipeline, args.input_path, args.output_path or "")
    else:
        tables = found.of_users(_users(args.user, pipeline, found.columns))
    if args.output_path:
        _write(tables, args)
    else:
        _print(tables)
    for note in found.notes():
        print(note, file=sys.stderr)
    return 0


def _users(text: str, pipeline: Any, read: Sequence[str]) -> list[Any]:
    """The users in JSON, after printing what was assumed about them."""
    from easyrec_lite.checks.columns import input_fields
    from easyrec_lite.serving.users import UserColumns

    fields = input_fields(pipeline)
    columns = UserColumns(
        [field for field in fields if field.name in read],
        [field.name for field in fields if field.name not in read],
        pipeline.config.export_config.multi_value_fields.input_name,
    )
    users = columns.parse(text)
    for number, user in enumerate(users, 1):
        for note in user.notes:
            print(f"user {number}: {note}", file=sys.stderr)
    return users


def _print(tables: Iterator[Any]) -> None:
    import pandas as pd

    for table in tables:
        with pd.option_context("display.unicode.east_asian_width", True):
            print(table.to_pandas().to_string(index=False))


def _write(tables: Iterator[Any], args: Namespace) -> None:
    from easyrec_lite.serving.writers import open_writer

    count, target = 0, Path(args.output_path)
    separator = args.output_sep.encode().decode("unicode_escape")
    with atomic_file(target) as aside, open_writer(aside, target, separator) as writer:
        for table in tables:
            writer.write(table)
            count += table.num_rows
    print(f"{count} recommendations written to {target}")


def _ids(text: str) -> list[str]:
    """Item ids by commas, or as a JSON list where an id holds a comma."""
    if not text.startswith("["):
        return cli.names(text)
    try:
        return [str(item) for item in json.loads(text)]
    except json.JSONDecodeError as error:
        problem = Problem(f"--seen is broken JSON: {error.msg}", cli.COMMAND_LINE, found=text)
        raise ConfigError(problem) from error


if __name__ == "__main__":
    sys.exit(cli.run(main))
