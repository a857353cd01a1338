"""Kills training runs at random moments and compares what they come to with unkilled ones.

`python -m benchmarks.faults --kills 100` trains each seed model's config on few rows undisturbed;
then it starts the same command, sends SIGKILL while it starts, reads, keeps rows on disk, steps,
writes a checkpoint, evaluates or exports, starts it again, and so on for a few kills; then lets it
end. Weights, losses of all steps, metrics and files must be equal to the last bit. It prints the
kills survived of kills tried, by what the run was doing. A round's kills count as survived when the
round ended well.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faults.cases import CASES, flags, make_data
from benchmarks.faults.compare import differences
from benchmarks.faults.process import PHASES, Training

A_ROUND = 5


@dataclass
class Round:
    """One model folder: a few kills, then the end.

    Attributes:
      kills: how often the run was killed in which phase.
      faults: what was wrong after that; nothing is as it should be.
    """

    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def whole(name: str, data: Path, model: Path) -> None:
    """Trains case `name` in one go.

    Raises:
      RuntimeError: it failed.
    """
    training = Training(flags(name, data, model), model)
    if training.wait():
        raise RuntimeError(f"{name} fails unkilled:\n{''.join(training.lines)}")


def killed(
    name: str, data: Path, model: Path, expected: Path, wanted: Sequence[str], chance: random.Random
) -> Round:
    """Trains case `name` with a kill in each of the wanted phases, and compares.

    Args:
      name: a key of `CASES`.
      data: the folder that `make_data` filled.
      model: a new model folder.
      expected: that of the same case unkilled.
      wanted: phases; a run that ends before it comes to one is not killed again.
      chance: decides on the moments.
    """
    result = Round()
    for phase in wanted:
        training = Training(flags(name, data, model), model)
        found = training.kill(phase, chance)
        if not found:
            break
        result.kills[found] += 1
    training = Training(flags(name, data, model), model)
    if training.wait():
        result.faults = [f"exit code {training.process.returncode}", *training.lines[-20:]]
    else:
        result.faults = differences(model, expected)
    return result


def table(tried: Counter[str], survived: Counter[str]) -> str:
    """Returns kills survived and tried, a line a phase."""
    lines = [f"{'killed during':<14}{'survived':>9}{'tried':>7}"]
    lines += [f"{phase:<14}{survived[phase]:>9}{tried[phase]:>7}" for phase in PHASES]
    return "\n".join([*lines, f"{'all':<14}{survived.total():>9}{tried.total():>7}"])


def study(kills: int, names: Sequence[str], folder: Path, chance: random.Random) -> bool:
    """Kills runs of the named cases in turn; returns whether all came to the same end."""
    make_data(folder / "data")
    tried: Counter[str] = Counter()
    survived: Counter[str] = Counter()
    number = 0
    while tried.total() < kills:
        name = names[number % len(names)]
        number += 1
        expected = folder / f"{name}-whole"
        if not expected.exists():
            whole(name, folder / "data", expected)
        count = min(A_ROUND, kills - tried.total())
        # The later a phase, the later in a round, so that a run is not over before its kills are.
        wanted = sorted((chance.choice(PHASES) for _ in range(count)), key=PHASES.index)
        model = folder / f"{name}-{number}"
        done = killed(name, folder / "data", model, expected, wanted, chance)
        tried += done.kills
        survived += Counter() if done.faults else done.kills
        verdict = "\n  ".join(["differs", *done.faults]) if done.faults else "equal"
        print(f"{name}: {dict(done.kills)}: {verdict}", flush=True)
    print(table(tried, survived))
    return tried == survived


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kills", type=int, default=100, help="how many in all (100)")
    parser.add_argument("--config", choices=CASES, action="append", help="only this; repeatable")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (1)")
    parser.add_argument("--folder", type=Path, help="where the runs go and stay (a temporary one)")
    args = parser.parse_args(argv)
    start = time.monotonic()
    chance = random.Random(args.seed)
    names = args.config or list(CASES)
    if args.folder:
        good = study(args.kills, names, args.folder, chance)
    else:
        with tempfile.TemporaryDirectory() as folder:
            good = study(args.kills, names, Path(folder), chance)
    print(f"{time.monotonic() - start:,.0f} s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
