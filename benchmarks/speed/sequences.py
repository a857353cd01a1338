"""Sequences to train on: made-up users whose histories are as long as those of MovieLens-1M."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.speed.data import SEED

# Items of a user's training history in SASRec's split: the least, every twentieth, the most.
LENGTHS = (
    *(15, 20, 24, 29, 34, 41, 48, 57, 67, 78, 93),
    *(106, 123, 145, 170, 204, 250, 306, 397, 553, 2274),
)
ITEMS, USERS, QUICK_USERS = 3416, 6040, 300


def make(folder: Path, users: int) -> Path:
    """Makes the data of so many users in `folder`, unless it is there; returns where it lies."""
    import numpy as np

    from easyrec_lite.core.files import atomic_folder
    from easyrec_lite.datasets import interactions

    target = folder / f"sequences-{users}"
    if target.exists():
        return target
    rng = np.random.default_rng(SEED)
    shares = np.linspace(0, 1, len(LENGTHS))
    lengths = np.interp(rng.uniform(size=users), shares, LENGTHS).astype(int) + 2
    popularity = 1 / np.arange(10, ITEMS + 10)
    popularity /= popularity.sum()
    lines = [
        f"u{user}\t" + " ".join(map(str, rng.choice(ITEMS, length, p=popularity) + 1))
        for user, length in enumerate(lengths)
    ]
    with atomic_folder(target) as aside:
        (aside / "users.txt").write_text("\n".join(lines) + "\n", "utf-8")
        interactions.make(aside / "users.txt", aside)
    return target


def edits(data: Path) -> dict[str, Any]:
    """Returns the edits that point a config to the data."""
    return {
        "train_input_path": f"{data}/train.csv",
        "eval_input_path": "",
        "train_config.save_checkpoints_steps": 0,
        "eval_config.full_ranking": None,
    }
