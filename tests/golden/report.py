"""Prints how far our numbers are from EasyRec's: `python -m tests.golden.report DIR`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.golden.case import Case, case_folders
from tests.golden.checks import CHECKS


def differences(case: Case) -> dict[str, tuple[float, str]]:
    """Returns check → (largest relative difference, whose), of the checks that apply."""
    found = {}
    for name, (check, _) in CHECKS.items():
        pairs = [(pair.difference(), pair.name) for pair in check(case)]
        if pairs:
            found[name] = max(pairs)
    return found


def main() -> None:
    """Prints a table for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of golden cases")
    for folder in case_folders(parser.parse_args().folder):
        print(folder.name)
        for check, (largest, name) in differences(Case(folder)).items():
            print(f"  {check:<18} {largest:.1e}  {name}", flush=True)


if __name__ == "__main__":
    main()
