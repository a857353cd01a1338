"""Measures speed: `python -m benchmarks.speed [--quick] [--json FILE] [--only step,limits]`."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed import data
from benchmarks.speed.bench import Bench
from benchmarks.speed.report import machine, table

SECTIONS = ("step", "scaling", "input", "limits", "naive", "sequence", "serving", "startup")
ROWS, QUICK_ROWS = 400_000, 20_000


def main(argv: Sequence[str]) -> int:
    """Prints the tables of the sections that the flags ask for, and writes them as JSON."""
    args = _parse(argv)
    quick = args.quick
    found: dict[str, Any] = {"machine": machine(), "quick": quick, "seed": data.SEED}
    print("  ".join(f"{name} {value}" for name, value in found["machine"].items()), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        rows = args.rows or (QUICK_ROWS if quick else ROWS)
        bench = Bench(
            data=data.make(args.data or Path(scratch), rows),
            scratch=Path(scratch),
            repeats=args.repeats or (2 if quick else 5),
            seconds=args.seconds or (0.5 if quick else 2.5),
            quick=quick,
        )
        for name in args.only:
            section = importlib.import_module(f"benchmarks.speed.{name}")
            print(f"\n{section.TITLE}\n({section.NOTES})", flush=True)
            found[name] = table(section.run(bench))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer sizes, short windows: seconds a section")
    add("--json", type=Path, metavar="FILE", help="write all numbers there")
    add("--only", type=_sections, default=SECTIONS, metavar="SECTIONS", help=", ".join(SECTIONS))
    add("--repeats", type=int, help="windows of a measurement (5, quick 2)")
    add("--seconds", type=float, help="what a window takes, about (2.5, quick 0.5)")
    add("--rows", type=int, help=f"rows of the data ({ROWS}, quick {QUICK_ROWS})")
    add("--data", type=Path, metavar="DIR", help="where data is made and found again (a temporary)")
    return parser.parse_args(argv)


def _sections(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no section {unknown[0]}; there are {', '.join(SECTIONS)}"
        )
    return names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
