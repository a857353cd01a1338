"""Speed of ranking among all items, against the bare matrix product of the same blocks.

`python -m benchmarks.ranking_speed` ranks a small catalogue with all its queries, and a large one
with a sample of them; `--queries all` takes all, with a bar on a terminal. It prints the seconds of
the bare product and of ranking, seen items kept and excluded both, their ratio, and the peak of
memory. Product and ranking take turns, so that what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from dataclasses import dataclass

import numpy as np

from easyrec_lite.evaluation.ranking import ItemSets, Ranking, rank
from easyrec_lite.evaluation.ranking.best import ITEMS_AT_ONCE
from easyrec_lite.evaluation.ranking.progress import ranking_progress
from easyrec_lite.evaluation.ranking.ranking import QUERIES_AT_ONCE, BlockScorer

ROUNDS = 3
SAMPLE = 2048


@dataclass(frozen=True)
class Case:
    """The size of a ranking: Q queries, M items, D width, items seen by a query."""

    queries: int
    items: int
    width: int
    seen: int


CASES = (Case(6_040, 3_706, 32, 165), Case(100_000, 1_000_000, 32, 50))


def product(queries: np.ndarray, items: np.ndarray) -> None:
    """Computes all scores of queries [Q, K, D], in the blocks of the ranking, and keeps none."""
    scorer = BlockScorer(None)
    for first in range(0, len(queries), QUERIES_AT_ONCE):
        for start in range(0, len(items), ITEMS_AT_ONCE):
            scorer(queries[first : first + QUERIES_AT_ONCE], items[start : start + ITEMS_AT_ONCE])


def ranked(queries: np.ndarray, items: np.ndarray, held_out: ItemSets, seen: ItemSets) -> Ranking:
    """Ranks all items by both seen rules, with a bar, and computes the metrics."""
    with ranking_progress(len(queries) * len(items), bar=True) as progress:
        ranking = rank(queries, items, held_out, seen, progress=progress)
    for rule in ranking.outcomes:
        ranking.metrics(rule)
    return ranking


def measure(case: Case, queries: int, interests: int) -> str:
    """Returns a line: sizes, seconds of product and ranking, their ratio, speed, memory."""
    rng = np.random.default_rng(0)
    users = rng.standard_normal((queries, interests, case.width), np.float32)
    items = rng.standard_normal((case.items, case.width), np.float32)
    held_out = ItemSets.of_pairs(
        np.arange(queries), rng.integers(case.items, size=queries), queries
    )
    owners = np.repeat(np.arange(queries), case.seen)
    seen = ItemSets.of_pairs(owners, rng.integers(case.items, size=len(owners)), queries)
    bare, full = [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        product(users, items)
        middle = time.perf_counter()
        ranked(users, items, held_out, seen)
        bare.append(middle - start)
        full.append(time.perf_counter() - middle)
    plain, whole = statistics.median(bare), statistics.median(full)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    speed = queries * case.items / whole / 1e6
    sample = f"{queries:,} of {case.queries:,}"
    return (
        f"{sample:<18}{case.items:>10,}{case.width:>6}{plain:>10.2f}{whole:>10.2f}"
        f"{whole / plain:>8.2f}{speed:>10,.0f}{peak:>9,.0f}"
    )


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ranking_speed", description=__doc__)
    parser.add_argument(
        "--queries", default=str(SAMPLE), help=f"of the large case; all, or a number ({SAMPLE})"
    )
    parser.add_argument("--interests", type=int, default=1, help="vectors of a query (1)")
    args = parser.parse_args(argv)
    wanted = args.queries
    print(
        f"{'queries':<18}{'items':>10}{'dims':>6}{'product s':>10}{'ranking s':>10}{'ratio':>8}"
        f"{'M/s':>10}{'peak MB':>9}"
    )
    for case in CASES:
        large = case.items > CASES[0].items
        count = case.queries if wanted == "all" or not large else min(int(wanted), case.queries)
        print(measure(case, count, args.interests), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
