"""`python -m easyrec_lite.cache list|clear FOLDER …`: the rows that runs keep on disk."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.config_flags import config_parser, pipeline_from

EXAMPLES = ("list data/taobao-synthetic", "clear --stale --config dssm_senet_on_taobao.config")


def parser() -> cli.Parser:
    """Returns the command's flags."""
    shown = ("train_input_path", "eval_input_path")
    made = config_parser("cache", EXAMPLES, shown, required=False)
    made.add_argument("action", choices=("list", "clear"))
    made.add_argument(
        "folders", nargs="*", metavar="FOLDER", help="folder of data, or of kept rows"
    )
    made.add_argument("--stale", action="store_true", help="only rows whose data has changed since")
    return made


def main(args: Namespace) -> None:
    """Lists or removes as the flags say.

    Raises:
      ConfigError: no folder is given, or one does not exist.
    """
    from easyrec_lite.data.cache.listing import cache_folder, cache_folders, clear, listing

    places = [cache_folder(Path(name)) for name in args.folders]
    if args.config:
        places += cache_folders(pipeline_from(args))
    if not places:
        remedy = "name the folder of the data, or give --config"
        raise ConfigError(Problem("no folder is given", cli.COMMAND_LINE, remedy=remedy))
    for folder in dict.fromkeys(places):
        if args.action == "clear":
            print(clear(folder, args.stale))
            continue
        for line in listing(folder, args.stale):
            print(line)


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
