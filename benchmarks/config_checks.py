"""Checks every config below a folder: `python -m benchmarks.config_checks FOLDER`.

The folder is, say, `samples` of a clone of EasyRec. Printed is a line a config, with the number of
its errors and the first of them, the model's own before others, then how many configs are accepted.
A config on which the check itself fails is printed with its exception, and gives exit code 1.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from easyrec_lite.checks.check import MODEL_CLASS, check_config
from easyrec_lite.core.errors import ProblemError


def main(argv: Sequence[str]) -> int:
    """Prints the verdict of each config."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.config_checks", description=__doc__)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args(argv)
    counts: Counter[str] = Counter()
    for path in sorted(args.folder.rglob("*.config")):
        verdict, reason = _verdict(path)
        counts[verdict] += 1
        print(f"{verdict:<9} {path.relative_to(args.folder)}{reason}")
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    return int(counts["crashed"] > 0)


def _verdict(path: Path) -> tuple[str, str]:
    try:
        problems = check_config(str(path))
    except ProblemError as error:
        problems = list(error.problems)
    except Exception as error:  # what this program looks for
        return "crashed", f": {error!r}"
    errors = [problem for problem in problems if problem.severity == "error"]
    if not errors:
        return "accepted", ""
    first = min(errors, key=lambda problem: problem.path != MODEL_CLASS)
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return "refused", f": {first.path}: {first.message}; {first.remedy}{more}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
