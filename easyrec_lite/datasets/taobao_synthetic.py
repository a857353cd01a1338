"""Generated rows in Taobao's 20 columns, with tastes that a two-tower model can learn.

Users and items have latent vectors. A user is shown items by popularity, most of them from
categories that the user likes, and clicks with probability
`sigmoid(taste match + price match + popularity + ad position + constant)`. The profile columns and
the tags follow from the user's vector, the category and the brand from the item's, so that they say
something about rare ids.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.datasets.taobao_layout import COLUMNS, EventWriter, write_ads
from easyrec_lite.datasets.taobao_world import (
    MOMENTS,
    USERS_AT_ONCE,
    Items,
    Users,
    make_brands,
    make_items,
    make_users,
    softmax_draw,
    zipf,
)

TASTE, PRICE, POPULARITY, POSITION, CONSTANT = 2.5, 0.7, 0.4, -0.3, -2.6
# The share of the rows that show an item of a category drawn by the user's taste, and how selective
# that taste is; the other rows show any item.
OF_TASTE, SHARPNESS = 0.7, 1.6
CHUNK = 200_000


@dataclass(frozen=True)
class Sizes:
    """How many rows, users and items to generate.

    Attributes:
      rows: rows of `train.csv`.
      eval_rows: rows of `test.csv`.
      users: number of users.
      items: number of items (ads).
    """

    rows: int
    eval_rows: int
    users: int
    items: int

    def check(self) -> None:
        """Raises a `ConfigError` if data of these sizes cannot be generated."""
        names = ("rows", "eval_rows", "users", "items")
        problems = [
            Problem(f"--{name} is {getattr(self, name)}", expected="a whole number ≥ 1")
            for name in names
            if getattr(self, name) < 1
        ]
        asked, pairs = self.rows + self.eval_rows, self.users * self.items
        if not problems and asked * 10 > pairs:
            problems.append(
                Problem(
                    f"{asked} rows are too many for {self.users} users and {self.items} items",
                    expected=f"at most a tenth of the {pairs} pairs of a user and an item",
                    remedy="ask for fewer rows, or give more --users or --items",
                )
            )
        if problems:
            raise ConfigError(problems)


def make(folder: Path, sizes: Sizes, seed: int) -> str:
    """Writes the files of the data set into `folder`; equal seeds and sizes give equal bytes.

    Returns:
      A summary: rows, clicks, and how well two scorers predict the clicks of the test rows.

    Raises:
      ConfigError: the sizes are not positive, or leave too few pairs of user and item.
    """
    sizes.check()
    world, shown, noise = (np.random.default_rng([seed, part]) for part in range(3))
    brands = make_brands(world, sizes.items)
    items = make_items(world, sizes.items, brands)
    users = make_users(world, sizes.users, brands)
    pairs = _draw_pairs(shown, sizes, users.vectors, items, brands.category_vectors)
    position = shown.random(len(pairs)) < 0.38
    chances = _chances(users, items, pairs, position)
    clicks = noise.random(len(pairs)) < chances
    buys = clicks & (noise.random(len(pairs)) < 0.04)
    _write(folder, users, items, pairs, [clicks, buys, position], sizes.rows)
    train, test = slice(0, sizes.rows), slice(sizes.rows, None)
    counts = np.bincount(pairs[train][clicks[train], 1], minlength=sizes.items)
    write_ads(folder / "items.txt", items.columns, counts)
    return _summary(
        clicks, sizes, auc(chances[test], clicks[test]), auc(counts[pairs[test, 1]], clicks[test])
    )


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Returns the probability that a positive scores above a negative; a tie counts half.

    Args:
      scores: float [B].
      labels: bool [B].
    """
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _summary(clicks: np.ndarray, sizes: Sizes, best: float, popularity: float) -> str:
    train, test = clicks[: sizes.rows], clicks[sizes.rows :]
    return (
        f"train.csv {len(train)} rows, {train.sum()} clicked; "
        f"test.csv {len(test)} rows, {test.sum()} clicked\n"
        f"{sizes.users} users, {sizes.items} items in items.txt\n"
        f"AUC on test.csv: {best:.3f} of the probabilities that the clicks were drawn from "
        f"(the best there is), {popularity:.3f} of the items' clicks in train.csv (popularity)"
    )


def _draw_pairs(
    rng: np.random.Generator,
    sizes: Sizes,
    user_vectors: np.ndarray,
    items: Items,
    category_vectors: np.ndarray,
) -> np.ndarray:
    """Returns [rows + eval_rows, 2]: different pairs (user, item), in the order of time."""
    wanted = sizes.rows + sizes.eval_rows
    activity = rng.permutation(zipf(sizes.users, 0.5, 20))
    codes = np.zeros(0, np.int64)
    while len(codes) < wanted:
        user = rng.choice(sizes.users, wanted, p=activity)
        item = rng.choice(sizes.items, wanted, p=items.popularity)
        liked = rng.random(wanted) < OF_TASTE
        category = _liked_categories(rng, user[liked], user_vectors, category_vectors)
        item[liked] = _of_categories(rng, category, items, item[liked])
        drawn = np.concatenate([codes, user * sizes.items + item])
        codes = drawn[np.sort(np.unique(drawn, return_index=True)[1])]
    return np.stack(np.divmod(codes[:wanted], sizes.items), axis=1)


def _liked_categories(
    rng: np.random.Generator, user: np.ndarray, vectors: np.ndarray, category_vectors: np.ndarray
) -> np.ndarray:
    """Returns [R]: for each row a category drawn by the taste of its `user` [R]."""
    order = np.argsort(user, kind="stable")
    drawn = np.empty(len(user), np.int64)
    for start in range(0, len(vectors), USERS_AT_ONCE):
        part = vectors[start : start + USERS_AT_ONCE]
        first, last = np.searchsorted(user[order], [start, start + len(part)])
        rows = order[first:last]
        scores = SHARPNESS * part @ category_vectors.T
        drawn[rows] = softmax_draw(rng, scores, user[rows] - start)
    return drawn


def _of_categories(
    rng: np.random.Generator, category: np.ndarray, items: Items, otherwise: np.ndarray
) -> np.ndarray:
    """Returns [R]: an item of each category by popularity; `otherwise` for an empty category."""
    order = np.argsort(items.category, kind="stable")
    cumulative = np.concatenate([[0.0], np.cumsum(items.popularity[order])])
    edges = np.searchsorted(items.category[order], [category, category + 1])
    low, high = cumulative[edges]
    level = low + rng.random(len(category)) * (high - low)
    place = np.searchsorted(cumulative, level, side="right") - 1
    place = np.clip(place, edges[0], np.maximum(edges[1] - 1, edges[0]))
    return np.where(edges[0] == edges[1], otherwise, order[np.minimum(place, len(order) - 1)])


def _chances(users: Users, items: Items, pairs: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Returns float [R], the probability that each shown item is clicked."""
    fame = np.log(items.popularity)[pairs[:, 1]]
    match = np.empty(len(pairs))
    for start in range(0, len(pairs), CHUNK):
        user, item = pairs[start : start + CHUNK].T
        vectors = users.vectors[user], items.vectors[item]
        match[start : start + CHUNK] = np.einsum("rd,rd->r", *vectors)
    price = users.price_level[pairs[:, 0]] * items.price_level[pairs[:, 1]]
    logit = TASTE * _standard(match) + PRICE * _standard(price) + POPULARITY * _standard(fame)
    return 1 / (1 + np.exp(-(logit + POSITION * position + CONSTANT)))


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / max(float(values.std()), 1e-9)


def _write(
    folder: Path,
    users: Users,
    items: Items,
    pairs: np.ndarray,
    events: list[np.ndarray],
    train_rows: int,
) -> None:
    count = users.profile.num_rows
    moment = np.arange(len(pairs)) * MOMENTS // len(pairs)
    for name, first, last in [("train", 0, train_rows), ("test", train_rows, len(pairs))]:
        with EventWriter(folder, name) as writer:
            for start in range(first, last, CHUNK):
                part = slice(start, min(start + CHUNK, last))
                user, item = pairs[part].T
                clicks, buys, position = (event[part] for event in events)
                shown = {
                    "clk": pa.array(clicks.astype(np.int8)),
                    "buy": pa.array(buys.astype(np.int8)),
                    "pid": pc.if_else(position, "430539_1007", "430548_1007"),
                }
                tags = users.tags.take(moment[part] * count + user)
                tables = [users.profile.take(user), items.columns.take(item), tags]
                columns = {name: table[name] for table in tables for name in table.column_names}
                writer.write(pa.table({**shown, **columns}).select(list(COLUMNS)))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this data set's flags."""
    parser.add_argument("--rows", type=int, default=400_000, help="rows to train on (400000)")
    parser.add_argument("--eval_rows", type=int, help="rows to evaluate on (a tenth of --rows)")
    parser.add_argument("--users", type=int, help="number of users (--rows / 25)")
    parser.add_argument("--items", type=int, help="number of items (--rows / 50)")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same bytes (1)")


def run(flags: argparse.Namespace, folder: Path) -> str:
    """Makes the data set in `folder` as the flags say; see `make`."""
    sizes = Sizes(
        flags.rows,
        max(flags.rows // 10, 1) if flags.eval_rows is None else flags.eval_rows,
        max(flags.rows // 25, 200) if flags.users is None else flags.users,
        max(flags.rows // 50, 100) if flags.items is None else flags.items,
    )
    return make(folder, sizes, flags.seed)
