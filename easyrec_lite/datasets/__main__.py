"""Makes data sets to train on: `python -m easyrec_lite.datasets NAME --out FOLDER`.

`taobao-synthetic` generates rows in Taobao's columns; `taobao` and `movielens` prepare public
downloads, `interactions` and `pairs` files of anybody's users and items, with and without order.
Each writes `train.csv`, `test.csv`
and the negative sampler's item table `items.txt`.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType

from easyrec_lite.core.files import atomic_folder
from easyrec_lite.datasets import interactions, movielens, pairs, taobao, taobao_synthetic
from easyrec_lite.runs.command_line import Parser, run

DATASETS: dict[str, ModuleType] = {
    "taobao-synthetic": taobao_synthetic,
    "taobao": taobao,
    "movielens": movielens,
    "interactions": interactions,
    "pairs": pairs,
}


EXAMPLES = (
    "taobao-synthetic --out data/taobao-synthetic",
    "movielens --input ml-1m.zip --out data/movielens",
)


def parser() -> Parser:
    """Returns the command's flags."""
    made = Parser("datasets", EXAMPLES)
    names = made.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, module in DATASETS.items():
        summary = (module.__doc__ or "").split("\n")[0]
        one = names.add_parser(name, help=summary, description=summary)
        one.add_argument("--out", required=True, metavar="FOLDER", help="where the files go")
        one.add_argument("--overwrite", action="store_true", help="replace FOLDER if it exists")
        module.add_arguments(one)
    return made


def main(args: Namespace) -> None:
    """Makes the data set that the flags name."""
    with atomic_folder(args.out, args.overwrite) as folder:
        summary = DATASETS[args.name].run(args, folder)
    print(f"{summary}\nwritten to {Path(args.out)}")


if __name__ == "__main__":
    sys.exit(run(parser, main))
