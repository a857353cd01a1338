"""The recommender against the exact top-K in numpy: in another process, by blocks, with ties."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from easyrec_lite.serving.recommender import best_items
from easyrec_lite.serving.saved_model import SavedModel
from tests.serving.exported import BRANDS, IDS
from tests.serving.ranking import exact, tensors

# Only TensorFlow: what a serving machine has.
SERVE = """
import json, sys, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
asked = json.load(sys.stdin)
columns = {
    "user_id": tf.constant(asked["user_id"], tf.int64),
    "city": tf.constant(asked["city"]), "history": tf.constant(asked["history"]),
}
few = model.signatures["top_10"](**columns)
all_ = model.signatures["serving_default"](
    **columns, seen_item_ids=tf.constant(asked["seen"]), k=tf.constant(asked["k"])
)
decoded = lambda found: [[i.decode() for i in row] for row in found["item_ids"].numpy().tolist()]
scores = [[float(s) for s in row] for row in all_["scores"].numpy()]
print(json.dumps({"top_10": decoded(few), "ids": decoded(all_), "scores": scores}))
assert "easyrec_lite" not in sys.modules
"""


@pytest.fixture(scope="module")
def users(trained: Path) -> dict[str, list]:
    rows = list(csv.reader((trained / "rows.csv").open(encoding="utf-8")))[:9]
    columns = {"user_id": [int(row[1]) for row in rows], "city": [row[2] for row in rows]}
    return {**columns, "history": [row[3] for row in rows]}


def test_another_process_numpy_and_the_export_agree(export: Path, users: dict[str, list]) -> None:
    seen = [[], ["商品一", "é"], ["nobody", ""], *([[IDS[row], ""] for row in range(6)])]
    padded = [[*row, "", ""][:2] for row in seen]
    asked = json.dumps({**users, "seen": padded, "k": 5})
    done = subprocess.run(
        [sys.executable, "-c", SERVE, export / "recommender"],
        input=asked,
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    found = json.loads(done.stdout)
    ids, scores = exact(export, users, seen)
    assert found["ids"] == [row[:5] for row in ids]
    np.testing.assert_allclose(found["scores"], [row[:5] for row in scores], rtol=1e-5, atol=1e-6)
    assert found["top_10"] == [row[:10] for row in exact(export, users, [[]] * 9)[0]]


def test_what_is_missing_to_k_is_empty(export: Path, users: dict[str, list]) -> None:
    model = SavedModel(export / "recommender")
    seen = tf.constant([[item for item in IDS if item != "ёлка"]] * 9)
    found = model(**tensors(users), seen_item_ids=seen, k=tf.constant(20))
    assert found["item_ids"].shape == found["scores"].shape == (9, 20)
    assert (found["item_ids"][:, 0].numpy() == "ёлка".encode()).all()
    assert (found["item_ids"][:, 1:].numpy() == b"").all()
    assert np.isneginf(found["scores"][:, 1:]).all()


def test_more_than_all_items_gives_all(export: Path, users: dict[str, list]) -> None:
    model = SavedModel(export / "recommender")
    nothing = tf.zeros([1, 0], tf.string)
    found = model(**tensors(users), seen_item_ids=nothing, k=tf.constant(len(IDS) + 2))
    for row in found["item_ids"].numpy():
        assert sorted(item.decode() for item in row) == sorted([*IDS, "", ""])


def test_no_users_get_nothing(export: Path) -> None:
    model = SavedModel(export / "recommender")
    nobody = {name: tf.zeros([0], spec.dtype) for name, spec in model.inputs.items()}
    nobody |= {"seen_item_ids": tf.zeros([1, 0], tf.string), "k": tf.constant(3)}
    found = model(**nobody)
    assert found["item_ids"].shape == (0, 3)


def test_seen_of_other_users_and_no_k_are_refused(export: Path, users: dict[str, list]) -> None:
    model, columns = SavedModel(export / "recommender"), tensors(users)
    with pytest.raises(tf.errors.InvalidArgumentError, match="as many rows as there are users"):
        model(**columns, seen_item_ids=tf.constant([["é"]] * 4), k=tf.constant(3))
    with pytest.raises(tf.errors.InvalidArgumentError, match="k must be at least 1"):
        model(**columns, seen_item_ids=tf.zeros([1, 0], tf.string), k=tf.constant(0))


def test_parquet_and_arrays_are_the_same_items(export: Path) -> None:
    table = pq.read_table(export / "item_vectors.parquet")
    assert table.column_names == ["item_id", "item_tower_emb", "brand", "score"]
    assert table["item_id"].to_pylist() == IDS
    assert table["brand"].to_pylist() == BRANDS
    assert table["score"].to_pylist() == list(range(len(IDS)))
    vectors = np.load(export / "item_vectors.npy")
    np.testing.assert_array_equal(np.array(table["item_tower_emb"].to_pylist(), "f4"), vectors)
    columns = {"item_id": tf.constant(IDS), "brand": tf.constant(BRANDS)}
    served = SavedModel(export / "item_tower")(**columns)["item_tower_emb"]
    np.testing.assert_allclose(vectors, served, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("cells", [1, 7, 50, 1 << 20])
@pytest.mark.parametrize("k", [1, 4, 30])
def test_blocks_of_any_size_give_the_same(cells: int, k: int) -> None:
    """Small whole numbers: products are exact, and there are ties within and between blocks."""
    rng = np.random.default_rng(cells + k)
    users = rng.integers(-2, 3, (5, 3)).astype(np.float32)
    items = rng.integers(-2, 3, (23, 3)).astype(np.float32)
    pairs = np.array([(0, 0), (0, 22), (3, 7), (3, 7), (4, 11)], np.int64)
    scores = users @ items.T
    scores[pairs[:, 0], pairs[:, 1]] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(scores, order, axis=1)
    found, rows = best_items(
        tf.constant(users), tf.constant(items), tf.constant(pairs), tf.constant(k), cells
    )
    missing = max(k - 23, 0)
    np.testing.assert_array_equal(
        found, np.pad(best, ((0, 0), (0, missing)), constant_values=-np.inf)
    )
    there = best > -np.inf
    np.testing.assert_array_equal(rows.numpy()[:, : best.shape[1]][there], order[there])
