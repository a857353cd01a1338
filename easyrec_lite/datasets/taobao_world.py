"""The world behind the synthetic Taobao rows: users, items, brands, and their columns.

The profile columns and the tags follow from a user's latent vector, the category and the brand
from an item's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.datasets.rows import join_tags
from easyrec_lite.datasets.taobao_layout import PRICE_BUCKETS, PROFILE

DIM = 4
BRANDS_A_CATEGORY = 6
ARCHETYPES = 97
MOMENTS = 4
SESSIONS_SEEN = 8
MAX_REPEATS = 6
USERS_AT_ONCE = 4096


@dataclass(frozen=True)
class Users:
    """U users: latent vectors [U, DIM], price levels [U], and the columns of each as text.

    `profile` has U rows; `tags` has MOMENTS · U rows, those of moment m beginning at row m · U.
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


def _names(rng: np.random.Generator, count: int, top: int) -> np.ndarray:
    """Returns `count` different numbers as ids, like those of the real data."""
    return rng.choice(max(top, 4 * count), count, replace=False) + 1


def zipf(count: int, exponent: float, offset: float) -> np.ndarray:
    """Returns float [count], probabilities that decrease as a power of the rank."""
    weights = (np.arange(count) + offset) ** -exponent
    return weights / weights.sum()


def _missing(rng: np.random.Generator, values: np.ndarray, share: float) -> pa.Array:
    return pa.array(values, mask=rng.random(len(values)) < share)


def _levels(values: np.ndarray, levels: int) -> np.ndarray:
    """Returns the quantile of each value, 0 … levels − 1."""
    cuts = np.quantile(values, np.arange(1, levels) / levels)
    return np.searchsorted(cuts, values)


def make_brands(rng: np.random.Generator, items: int) -> Brands:
    """Returns the brands of a catalogue of this many items."""
    categories = int(np.clip(items // 40, 5, 1000))
    count = categories * BRANDS_A_CATEGORY
    category_vectors = rng.normal(size=(categories, DIM))
    own = rng.normal(size=(count, DIM))
    vectors = 0.85 * np.repeat(category_vectors, BRANDS_A_CATEGORY, axis=0) + 0.53 * own
    return Brands(
        vectors, _names(rng, count, 460_000), category_vectors, _names(rng, categories, 12_000)
    )


def make_items(rng: np.random.Generator, count: int, brands: Brands) -> Items:
    """Returns the items, each of a category that is drawn by weight, and of a brand in it."""
    categories = len(brands.category_names)
    category = rng.choice(categories, count, p=zipf(categories, 0.5, 3))
    of_category = rng.choice(BRANDS_A_CATEGORY, count, p=zipf(BRANDS_A_CATEGORY, 0.8, 1))
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
    popularity = rng.permutation(zipf(count, 0.7, 20))
    return Items(vectors, category, price_level, popularity, pa.table(columns))


def make_users(rng: np.random.Generator, count: int, brands: Brands) -> Users:
    """Returns the users, each near an archetype, with profile and tags that follow its taste."""
    archetypes = rng.normal(size=(ARCHETYPES, DIM))
    archetype = rng.choice(ARCHETYPES, count, p=zipf(ARCHETYPES, 0.5, 5))
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

    A user has shopping sessions, each about one category and brand that the user likes, which is
    viewed one to `MAX_REPEATS` times. The tags at a moment are the latest sessions before it.
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
    """Returns [U, count], brands that the users like: drawn by category first, then by brand."""
    rows = np.repeat(np.arange(len(vectors)), count)
    drawn = softmax_draw(rng, 0.8 * vectors @ brands.category_vectors.T, rows)
    category = drawn.reshape(len(vectors), count)
    choices = category[..., None] * BRANDS_A_CATEGORY + np.arange(BRANDS_A_CATEGORY)
    scores = np.einsum("ud,uckd->uck", vectors, brands.vectors[choices])
    flat = scores.reshape(-1, BRANDS_A_CATEGORY)
    pick = softmax_draw(rng, flat, np.arange(len(flat))).reshape(category.shape)
    return category * BRANDS_A_CATEGORY + pick


def softmax_draw(rng: np.random.Generator, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Returns [N]: for each of `rows` [N] a column, drawn by softmax of that row of `scores`."""
    count, columns = scores.shape
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    cumulative = np.cumsum(weights, axis=1)
    cumulative /= cumulative[:, -1:]
    levels = (cumulative + np.arange(count)[:, None]).ravel()
    places = np.searchsorted(levels, rng.random(len(rows)) + rows, side="right")
    return np.clip(places - rows * columns, 0, columns - 1)


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
