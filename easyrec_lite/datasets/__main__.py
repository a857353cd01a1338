"""Makes data sets to train on: `python -m easyrec_lite.datasets NAME --out FOLDER`.

`taobao-synthetic` makes rows up, in Taobao's columns; `taobao` and `movielens` prepare public
downloads. Each writes `train.csv`, `test.csv` and the negative sampler's item table `items.txt`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from easyrec_lite.core.files import atomic_folder
from easyrec_lite.datasets import movielens, taobao, taobao_synthetic
from easyrec_lite.runs.command_line import Parser, run

DATASETS: dict[str, ModuleType] = {
    "taobao-synthetic": taobao_synthetic,
    "taobao": taobao,
    "movielens": movielens,
}


def main(argv: Sequence[str]) -> None:
    """Makes the data set named in `argv`.

    Raises:
      ConfigError: bad flags, or a folder that is not empty.
      DataError: bad downloads.
    """
    flags = _parser().parse_args(argv)
    with atomic_folder(flags.out, flags.overwrite) as folder:
        summary = DATASETS[flags.name].run(flags, folder)
    print(f"{summary}\nwritten to {Path(flags.out)}")


def _parser() -> Parser:
    parser = Parser(
        prog="python -m easyrec_lite.datasets", description="Make a data set to train on."
    )
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, module in DATASETS.items():
        summary = (module.__doc__ or "").split("\n")[0]
        one = names.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        one.add_argument("--out", required=True, metavar="FOLDER", help="where the files go")
        one.add_argument("--overwrite", action="store_true", help="replace FOLDER if it is there")
        module.add_arguments(one)
    return parser


if __name__ == "__main__":
    sys.exit(run(main))
