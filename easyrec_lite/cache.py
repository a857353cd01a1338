"""`python -m easyrec_lite.cache list|clear FOLDER …`: lists or removes the rows stored on disk."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from easyrec_lite.config import Pipeline
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, DataError, Place, Problem
from easyrec_lite.data.cache import folders
from easyrec_lite.data.cache.folders import CacheEntry
from easyrec_lite.data.readers.input_files import expand
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.config_flags import config_parser, pipeline_from

EXAMPLES = ("list data/taobao-synthetic", "clear --stale --config dssm_senet_on_taobao.config")


def parser() -> cli.Parser:
    """Returns the command's flags."""
    shown = ("train_input_path", "eval_input_path")
    made = config_parser("cache", EXAMPLES, shown, required=False)
    made.add_argument("action", choices=("list", "clear"))
    made.add_argument("folders", nargs="*", metavar="FOLDER", help="folder of data, or of caches")
    made.add_argument("--stale", action="store_true", help="only rows whose data has changed since")
    return made


def main(args: Namespace) -> None:
    """Lists or removes as the flags say."""
    places = [_below(Path(name)) for name in args.folders]
    if args.config:
        places += _folders_of(pipeline_from(args))
    if not places:
        remedy = "name the folder of the data, or give --config"
        raise ConfigError(Problem("no folder is given", cli.COMMAND_LINE, remedy=remedy))
    for folder in dict.fromkeys(places):
        (_list if args.action == "list" else _clear)(folder, args.stale)


def _below(folder: Path) -> Path:
    """Returns the folder of caches: the one in a folder of data, or the folder itself."""
    if not fs.is_dir(folder):
        raise ConfigError(Problem("no such folder", Place(str(folder))))
    inside = folder / folders.FOLDER
    return inside if fs.is_dir(inside) else folder


def _folders_of(pipeline: Pipeline) -> list[Path]:
    """Returns the folders where runs of a config store rows."""
    config = pipeline.config
    if config.data_config.cache.folder:
        return [Path(config.data_config.cache.folder)]
    places = []
    for path in (config.train_input_path, config.eval_input_path):
        try:
            places.append(Path(expand(path)[0]).absolute().parent / folders.FOLDER)
        except DataError:
            continue
    return places


def _list(folder: Path, stale: bool) -> None:
    total = 0
    for cache, size in _whole(folder, stale):
        total += size
        print(_line(cache, size))
    for path, alive in folders.building(folder):
        print(f"{path}  {'is being built' if alive else 'abandoned: its process has ended'}")
    print(f"{folder}: {total / 2**20:,.1f} MB")


def _line(cache: CacheEntry | Path, size: int) -> str:
    if isinstance(cache, Path):
        return f"{cache}  broken  {size / 2**20:,.1f} MB"
    used = time.strftime("%Y-%m-%d %H:%M", time.localtime(cache.used()))
    state = "stale, its data has changed" if cache.stale() else "current"
    files = cache.data
    of = str(files[0][0]) + (f" and {len(files) - 1} more" if len(files) > 1 else "")
    return (
        f"{cache.folder}  {state}  {cache.rows:,} rows  {size / 2**20:,.1f} MB  used {used}  {of}"
    )


def _clear(folder: Path, stale: bool) -> None:
    total = count = 0
    for cache, size in list(_whole(folder, stale)):
        folders.remove(cache if isinstance(cache, Path) else cache.folder)
        total, count = total + size, count + 1
    folders.sweep(folder)
    print(f"{folder}: {count} removed, {total / 2**20:,.1f} MB")


def _whole(folder: Path, stale: bool) -> Iterator[tuple[CacheEntry | Path, int]]:
    """Yields the caches of a folder (of a broken one its path) and their bytes."""
    for cache in folders.caches(folder):
        if isinstance(cache, CacheEntry):
            if not stale or cache.stale():
                yield cache, cache.bytes
        elif not stale:
            yield cache.folder, sum(fs.size(file) for file in fs.paths(cache.folder))


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
