"""Made-up rows in Taobao's 20 columns, with tastes that a two-tower model can learn.

Users and items have latent vectors. A user is shown items by popularity, most of them out of
categories that the user likes, and clicks with
probability `sigmoid(taste match + price match + popularity + ad position + constant)`. The
profile columns and the tags follow from the user's vector, the category and the brand from the
item's, so that rare ids can be told by them.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.data.builtin.rows import join_tags
from easyrec_lite.data.builtin.taobao_layout import (
    COLUMNS,
    PRICE_BUCKETS,
    PROFILE,
    EventWriter,
    write_ads,
)
from easyrec_lite.errors import ConfigError, Problem

DIM = 4
BRANDS_A_CATEGORY = 6
ARCHETYPES = 97
MOMENTS = 4
SESSIONS_SEEN = 8
MAX_REPEATS = 6
TASTE, PRICE, POPULARITY, POSITION, CONSTANT = 2.5, 0.7, 0.4, -0.3, -2.6
# The share of the rows that show an item of a category drawn by the user's taste, and how sharp
# that taste is; the others show any item.
OF_TASTE, SHARPNESS = 0.7, 1.6
CHUNK = 200_000
USERS_AT_ONCE = 4096


@dataclass(frozen=True)
class Sizes:
    """How much to make.

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
        """Raises `ConfigError` where the sizes cannot be made."""
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


@dataclass(frozen=True)
class Users:
    """U users: latent vectors [U, DIM], price level [U], and the columns of each as text.

    `profile` has U rows; `tags` has MOMENTS · U rows, those of moment m from row m · U on.
    """

    vectors: np.ndarray
    price_level: np.ndarray
    profile: pa.Table
    tags: pa.Table


@dataclass(frozen=True)
class Items:
    """M items: latent vectors [M, DIM], category [M], price level [M], popularity [M], columns."""

    vectors: np.ndarray
    category: np.ndarray
    price_level: np.ndarray
    popularity: np.ndarray
    columns: pa.Table


@dataclass(frozen=True)
class Brands:
    """K brands, `BRANDS_A_CATEGORY` in each category: vectors [K, DIM] and names [K]."""

    vectors: np.ndarray
    names: np.ndarray
    category_vectors: np.ndarray
    category_names: np.ndarray


def make(folder: Path, sizes: Sizes, seed: int) -> str:
    """Writes the data set's files into `folder`; the same seed and sizes, the same bytes.

    Returns:
      A summary: rows, clicks, and how well two scorers know the test rows' clicks.

    Raises:
      ConfigError: the sizes are not positive, or leave too few pairs of user and item.
    """
    sizes.check()
    world, shown, noise = (np.random.default_rng([seed, part]) for part in range(3))
    brands = _make_brands(world, sizes.items)
    items = _make_items(world, sizes.items, brands)
    users = _make_users(world, sizes.users, brands)
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
    """Returns the chance that a positive scores above a negative, ties counting half.

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


def _names(rng: np.random.Generator, count: int, top: int) -> np.ndarray:
    """Returns `count` different ids as numbers, like those of the real data."""
    return rng.choice(max(top, 4 * count), count, replace=False) + 1


def _zipf(count: int, exponent: float, offset: float) -> np.ndarray:
    weights = (np.arange(count) + offset) ** -exponent
    return weights / weights.sum()


def _missing(rng: np.random.Generator, values: np.ndarray, share: float) -> pa.Array:
    return pa.array(values, mask=rng.random(len(values)) < share)


def _levels(values: np.ndarray, levels: int) -> np.ndarray:
    """Returns the quantile class of each value, 0 … levels − 1."""
    cuts = np.quantile(values, np.arange(1, levels) / levels)
    return np.searchsorted(cuts, values)


def _make_brands(rng: np.random.Generator, items: int) -> Brands:
    categories = int(np.clip(items // 40, 5, 1000))
    count = categories * BRANDS_A_CATEGORY
    category_vectors = rng.normal(size=(categories, DIM))
    own = rng.normal(size=(count, DIM))
    vectors = 0.85 * np.repeat(category_vectors, BRANDS_A_CATEGORY, axis=0) + 0.53 * own
    return Brands(
        vectors, _names(rng, count, 460_000), category_vectors, _names(rng, categories, 12_000)
    )


def _make_items(rng: np.random.Generator, count: int, brands: Brands) -> Items:
    categories = len(brands.category_names)
    category = rng.choice(categories, count, p=_zipf(categories, 0.5, 3))
    of_category = rng.choice(BRANDS_A_CATEGORY, count, p=_zipf(BRANDS_A_CATEGORY, 0.8, 1))
    brand = category * BRANDS_A_CATEGORY + of_category
    customer = brand * 2 + rng.integers(2, size=count)
    campaign = customer * 3 + rng.integers(3, size=count)
    price_level = rng.normal(size=count)
    brand_names = pa.array(brands.names[brand]).cast(pa.string())
    fate = rng.random(count)
    columns = {
        "adgroup_id": _names(rng, count, 846_000),
        "cate_id": brands.category_names[category],
        "campaign_id": _names(rng, 6 * len(brands.names), 423_000)[campaign],
        "customer": _names(rng, 2 * len(brands.names), 255_000)[customer],
        "brand": pc.if_else(fate < 0.25, "NULL", pc.if_else(fate < 0.27, "", brand_names)),
        "price": _levels(price_level, PRICE_BUCKETS),
    }
    vectors = 0.97 * brands.vectors[brand] + 0.25 * rng.normal(size=(count, DIM))
    popularity = rng.permutation(_zipf(count, 0.7, 20))
    return Items(vectors, category, price_level, popularity, pa.table(columns))


def _make_users(rng: np.random.Generator, count: int, brands: Brands) -> Users:
    archetypes = rng.normal(size=(ARCHETYPES, DIM))
    archetype = rng.choice(ARCHETYPES, count, p=_zipf(ARCHETYPES, 0.5, 5))
    vectors = 0.8 * archetypes[archetype] + 0.6 * rng.normal(size=(count, DIM))
    price_level = rng.normal(size=count)
    noise = 0.5 * rng.normal(size=(count, 3))
    gender = (vectors[:, 0] + noise[:, 0] > 0) + 1
    age = np.clip(np.round(2 * (vectors[:, 1] + noise[:, 1]) + 3), 1, 6).astype(int)
    known = rng.random(count) >= 0.0425
    columns = {
        "user_id": _names(rng, count, 1_140_000),
        "cms_segid": archetype,
        "cms_group_id": np.where(gender == 1, 6, 0) + age,
        "final_gender_code": gender,
        "age_level": age,
        "pvalue_level": _missing(rng, _levels(price_level, 3) + 1, 0.51),
        "shopping_level": _levels(vectors[:, 2] + noise[:, 2], 3) + 1,
        "occupation": (rng.random(count) < 0.06).astype(int),
        "new_user_class_level": _missing(rng, rng.integers(1, 5, size=count), 0.21),
    }
    for name in PROFILE:
        columns[name] = pc.if_else(known, pa.array(columns[name]), None)
    return Users(vectors, price_level, pa.table(columns), _make_tags(rng, vectors, brands))


def _make_tags(rng: np.random.Generator, vectors: np.ndarray, brands: Brands) -> pa.Table:
    """Returns the tag lists of each user at each moment, [MOMENTS · U] rows.

    A user goes through shopping sessions, each about one category and brand that the user likes,
    looked at one to `MAX_REPEATS` times. A moment's tags are the latest sessions before it.
    """
    sessions = MOMENTS - 1 + SESSIONS_SEEN
    parts = [
        _like(rng, vectors[start : start + USERS_AT_ONCE], brands, sessions)
        for start in range(0, len(vectors), USERS_AT_ONCE)
    ]
    brand = np.concatenate(parts)
    repeats = rng.integers(1, MAX_REPEATS + 1, size=brand.shape)
    seen = np.where(
        rng.random(len(vectors)) < 0.2, 0, rng.integers(1, SESSIONS_SEEN + 1, len(vectors))
    )
    moments = [
        _tags(
            brand[:, moment : moment + SESSIONS_SEEN],
            repeats[:, moment : moment + SESSIONS_SEEN]
            * (np.arange(SESSIONS_SEEN) < seen[:, None]),
            brands,
        )
        for moment in range(MOMENTS)
    ]
    return pa.concat_tables(moments)


def _like(rng: np.random.Generator, vectors: np.ndarray, brands: Brands, count: int) -> np.ndarray:
    """Returns [U, count], brands that users of `vectors` like, first by category, then by brand."""
    category = _softmax_draw(rng, 0.8 * vectors @ brands.category_vectors.T, count)
    choices = category[..., None] * BRANDS_A_CATEGORY + np.arange(BRANDS_A_CATEGORY)
    scores = np.einsum("ud,uckd->uck", vectors, brands.vectors[choices])
    pick = _softmax_draw(rng, scores.reshape(-1, BRANDS_A_CATEGORY), 1).reshape(category.shape)
    return category * BRANDS_A_CATEGORY + pick


def _softmax_draw(rng: np.random.Generator, scores: np.ndarray, count: int) -> np.ndarray:
    """Returns [R, count], columns of `scores` [R, C] drawn with probability softmax(scores)."""
    rows, columns = scores.shape
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    cumulative = np.cumsum(weights, axis=1)
    cumulative /= cumulative[:, -1:]
    levels = (cumulative + np.arange(rows)[:, None]).ravel()
    wanted = rng.random((rows, count)) + np.arange(rows)[:, None]
    found = np.searchsorted(levels, wanted.ravel(), side="right").reshape(rows, count)
    return np.clip(found - np.arange(rows)[:, None] * columns, 0, columns - 1)


def _tags(brand: np.ndarray, repeats: np.ndarray, brands: Brands) -> pa.Table:
    each = np.repeat(brand.ravel(), repeats.ravel())
    counts = repeats.sum(axis=1)
    return pa.table(
        {
            "tag_category_list": join_tags(
                pa.array(brands.category_names[each // BRANDS_A_CATEGORY]), counts
            ),
            "tag_brand_list": join_tags(pa.array(brands.names[each]), counts),
        }
    )


def _draw_pairs(
    rng: np.random.Generator,
    sizes: Sizes,
    user_vectors: np.ndarray,
    items: Items,
    category_vectors: np.ndarray,
) -> np.ndarray:
    """Returns [rows + eval_rows, 2], different pairs (user, item) in order of time."""
    wanted = sizes.rows + sizes.eval_rows
    activity = rng.permutation(_zipf(sizes.users, 0.5, 20))
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
    """Returns [R], for each row a category drawn by the taste of its `user` [R]."""
    order = np.argsort(user, kind="stable")
    drawn = np.empty(len(user), np.int64)
    for start in range(0, len(vectors), USERS_AT_ONCE):
        stop = min(start + USERS_AT_ONCE, len(vectors))
        first, last = np.searchsorted(user[order], [start, stop])
        rows = order[first:last]
        scores = SHARPNESS * vectors[start:stop] @ category_vectors.T
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        cumulative = np.cumsum(weights, axis=1)
        cumulative /= cumulative[:, -1:]
        levels = (cumulative + np.arange(stop - start)[:, None]).ravel()
        own = user[rows] - start
        found = np.searchsorted(levels, rng.random(len(rows)) + own, side="right")
        drawn[rows] = np.clip(found - own * len(category_vectors), 0, len(category_vectors) - 1)
    return drawn


def _of_categories(
    rng: np.random.Generator, category: np.ndarray, items: Items, otherwise: np.ndarray
) -> np.ndarray:
    """Returns [R], an item of each category by popularity; `otherwise` where it has none."""
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
    """Makes what the flags ask for in `folder`; see `make`."""
    sizes = Sizes(
        flags.rows,
        max(flags.rows // 10, 1) if flags.eval_rows is None else flags.eval_rows,
        max(flags.rows // 25, 200) if flags.users is None else flags.users,
        max(flags.rows // 50, 100) if flags.items is None else flags.items,
    )
    return make(folder, sizes, flags.seed)
