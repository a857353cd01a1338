"""Are an item's neighbours what its users click next? Of an export with item vectors.

For each held-out click, all items but the user's last training click are ranked: by the cosine with
that click's vector, by the cosine with the mean vector of all the user's training clicks, and by
popularity, an item's clicks in training. Users without training clicks, and clicks on the same item
again, are left out. The first half of the held-out clicks is for choosing steps and parameters, the
second for the figure.

    python -m easyrec_lite.train --config metric_learning_i2i_on_taobao.config
    python -m easyrec_lite.export --config metric_learning_i2i_on_taobao.config \
      --item_path data/taobao-synthetic/items.txt
    python -m benchmarks.neighbours --saved_model_dir experiments/metric_learning_i2i_on_taobao
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from easyrec_lite.datasets.taobao_layout import COLUMNS
from easyrec_lite.serving.folders import checked_export
from easyrec_lite.serving.item_vectors import IDS, VECTORS, read_ids, read_vectors

TOPS = (10, 50)
USER, ITEM = COLUMNS.index("user_id"), COLUMNS.index("adgroup_id")


def main(argv: Sequence[str]) -> int:
    """Prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neighbours", description=__doc__)
    add = parser.add_argument
    add("--saved_model_dir", type=Path, required=True, help="an export, or a model folder")
    add("--data", type=Path, default=Path("data/taobao-synthetic"), help="the data's folder")
    args = parser.parse_args(argv)
    folder, _ = checked_export(args.saved_model_dir, [VECTORS, IDS])
    place = {item: row for row, item in enumerate(read_ids(folder))}
    train, test = (clicks(args.data / f"{name}_clicked.csv", place) for name in ("train", "test"))
    print(f"| half of the clicks | ranked by | {' | '.join(f'recall@{k}' for k in TOPS)} |")
    print("|---|---|" + "---:|" * len(TOPS))
    half = len(test) // 2
    for name, part in (("first, to choose", test[:half]), ("second", test[half:])):
        for scorer, ranks in ranked(read_vectors(folder), train, part).items():
            cells = [f"{np.mean(ranks < k):.3f}" for k in TOPS]
            print(f"| {name} | {scorer} | {' | '.join(cells)} |")
    return 0


def clicks(path: Path, place: dict[str, int]) -> list[tuple[str, int]]:
    """Returns the user and the item's row of each click, in the order of time."""
    rows = (line.split(",") for line in path.read_text("utf-8").splitlines())
    return [(row[USER], place[row[ITEM]]) for row in rows]


def ranked(
    vectors: np.ndarray, train: Sequence[tuple[str, int]], test: Sequence[tuple[str, int]]
) -> dict[str, np.ndarray]:
    """Returns scorer → the rank of each held-out click's item, from 0, int [Q].

    Items that score the same rank as if they were before it.

    Args:
      vectors: float32 [M, D], of length 1.
      train, test: clicks, a user and the item's row.
    """
    history: dict[str, list[int]] = {}
    for user, item in train:
        history.setdefault(user, []).append(item)
    kept = [(history[user], item) for user, item in test if user in history]
    kept = [(own, item) for own, item in kept if own[-1] != item]
    counts = np.bincount([item for _, item in train], minlength=len(vectors))
    scorers = {
        "the last click": lambda own: vectors @ vectors[own[-1]],
        "the mean of all clicks": lambda own: vectors @ vectors[own].mean(axis=0),
        "popularity": lambda own: counts,
    }
    found = {}
    for name, score in scorers.items():
        ranks = []
        for own, item in kept:
            scores = score(own)
            before = scores >= scores[item]
            before[[item, own[-1]]] = False
            ranks.append(before.sum())
        found[name] = np.array(ranks)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
