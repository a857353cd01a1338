"""The index: its recall recomputed from the file, its target reached, the export kept whole."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite import build_index as command
from easyrec_lite.core.errors import ConfigError, DataError
from easyrec_lite.data.rows.values import Ids, Steps
from easyrec_lite.models.assembly import build
from easyrec_lite.runs.estimator import Estimator
from easyrec_lite.serving import index as index_module
from easyrec_lite.serving.checksums import verify
from easyrec_lite.serving.export import ExportOptions
from easyrec_lite.serving.index import IndexTuning, build_index, search
from easyrec_lite.serving.indexing import index_export, query_vectors
from easyrec_lite.serving.manifest import read_manifest
from easyrec_lite.serving.saved_model import SavedModel
from tests import commands
from tests.e2e import tastes
from tests.e2e.test_mind import MODEL as MIND
from tests.e2e.test_mind import options as mind_options
from tests.serving import exported
from tests.serving.ranking import tensors


def clustered(count: int, seed: int) -> np.ndarray:
    """Returns unit vectors [count, 8] around 30 directions."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(30, 8))
    vectors = centres[rng.integers(30, size=count)] + rng.normal(size=(count, 8)) * 0.3
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def recall(found: np.ndarray, queries: np.ndarray, vectors: np.ndarray) -> float:
    """Returns the share of the exact top-K among `found`, [Q, K]."""
    exact = np.argsort(-(queries @ vectors.T), axis=1)[:, : found.shape[1]]
    pairs = zip(found.tolist(), exact.tolist(), strict=True)
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in pairs]))


@pytest.mark.parametrize("target", [0.5, 0.9, 1.0])
def test_the_least_nprobe_that_reaches_the_target(tmp_path: Path, target: float) -> None:
    faiss = pytest.importorskip("faiss")
    vectors, queries = clustered(3000, 1), clustered(100, 2)
    tuning = IndexTuning(target_recall=target, k=20)
    report = build_index(tmp_path / "index", vectors, queries, "made up", tuning)
    read = faiss.read_index(str(tmp_path / "index"))
    assert read.nprobe == report.nprobe
    assert report.recall >= target
    assert report.recall == pytest.approx(
        recall(read.search(queries, 20)[1], queries, vectors), abs=2 / 2000
    )
    if report.nprobe > 1:
        read.nprobe -= 1
        assert recall(read.search(queries, 20)[1], queries, vectors) < target
    assert f"recall@20 against the exact top-20: {report.recall:.4f}" in str(report)


def test_ties_and_few_items_are_found_whole(tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    vectors = np.repeat(clustered(2, 3), 100, axis=0)
    report = build_index(tmp_path / "a", vectors, vectors[::50], "items", IndexTuning(1.0, k=5))
    assert (report.recall, report.k) == (1, 5)
    one = build_index(tmp_path / "b", vectors[:1], vectors[:3], "items", IndexTuning(1.0, k=5))
    assert (one.recall, one.k, one.nlist) == (1, 1, 1)


def test_no_warning_of_few_points(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("faiss")
    for count in (1, 5, 38, 39, 200):
        vectors = clustered(count, 4)
        build_index(tmp_path / "index", vectors, vectors, "items", IndexTuning(k=3))
    assert capfd.readouterr() == ("", "")


def test_the_index_of_an_export(trained: Path, tmp_path: Path) -> None:
    faiss = pytest.importorskip("faiss")
    options = ExportOptions(index=IndexTuning(k=3))
    folder = Estimator(exported.pipeline(trained)).export(tmp_path, options=options)
    said = read_manifest(folder)["index"]
    assert (said["items"], said["recall"], said["queries"]) == (13, 1, 48)
    assert said["queries_from"] == f"users in {trained}/rows.csv"
    verify(folder, read_manifest(folder)["files"], ["item_index.faiss"])
    vectors = np.load(folder / "item_vectors.npy")
    index = faiss.read_index(str(folder / "item_index.faiss"))
    scores, rows = index.search(vectors, 13)
    np.testing.assert_array_equal(rows[:, 0], np.arange(13))
    np.testing.assert_allclose(scores, -np.sort(-(vectors @ vectors.T), axis=1), atol=1e-6)


@pytest.mark.parametrize("extractor", ["SELF_ATTENTION", "ROUTING"])
def test_the_searches_of_all_interests_are_merged(tmp_path: Path, extractor: str) -> None:
    """The index of a MIND: the best item by any of a user's interests, each item once."""
    faiss = pytest.importorskip("faiss")
    text = MIND.replace("max_k: 2", f"max_k: 3 extractor: {extractor}")
    text = text.replace("[16, 2]", "[16, 4]").replace("const_caps_num: true squash_pow: 0.1", "")
    model: Any = build(tastes.pipeline(tmp_path, text, **mind_options(tmp_path))).model
    lengths = [0, 1, 5, 8, 12, 12]
    steps = tf.RaggedTensor.from_row_lengths(tf.range(sum(lengths), dtype=tf.int64) % 50, lengths)
    given = {"kinds": Steps(steps), "city": Ids(tf.range(len(lengths), dtype=tf.int64))}
    users, counts = model.user_vectors(given)
    assert counts.numpy().tolist() == [1, 1, 1, 2, 2, 2]
    numbers = tf.range(tastes.ITEMS, dtype=tf.int64)
    items = model.item_vectors({"item_id": Ids(numbers), "kind": Ids(numbers % 50)}).numpy()
    tuning = IndexTuning(k=15, target_recall=1.0)
    report = build_index(tmp_path / "index", items, users.numpy(), "users", tuning)
    assert (report.items, report.queries, report.recall) == (tastes.ITEMS, len(lengths), 1)
    index = faiss.read_index(str(tmp_path / "index"))
    index.nprobe = report.nprobe
    scores, found = search(index, users.numpy(), 15)
    exact = np.stack(
        [(users[row, :count].numpy() @ items.T).max(axis=0) for row, count in enumerate(counts)]
    )
    np.testing.assert_allclose(scores, -np.sort(-exact, axis=1)[:, :15], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(exact, found, 1), scores, rtol=1e-5, atol=1e-6)
    assert all(len(set(row)) == 15 for row in found.tolist())


def test_adding_one_to_a_finished_export(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("faiss")
    folder = Path(shutil.copytree(export, tmp_path / "5"))
    before = read_manifest(folder)
    for k in (2, 4):
        flags = ["--saved_model_dir", str(folder), "--recall_at", str(k), "--target_recall", "1"]
        assert commands.run(command, flags) == 0
        assert f"recall@{k} against the exact top-{k}: 1.0000" in capsys.readouterr().out
        after = read_manifest(folder)
        assert after["index"]["k"] == k
        verify(folder, after["files"], after["files"])
    assert {name: after["files"][name] for name in before["files"]} == before["files"]
    assert after["models"] == before["models"]


def test_a_failed_build_leaves_the_export_as_it_was(export: Path, tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    folder = Path(shutil.copytree(export, tmp_path / "5"))
    before = sorted(path.name for path in folder.iterdir())
    pipeline = exported.pipeline(export.parents[3])
    with pytest.raises(DataError, match=r"nowhere\.csv"):
        index_export(pipeline, folder, IndexTuning(query_path="nowhere.csv"))
    assert sorted(path.name for path in folder.iterdir()) == before
    assert read_manifest(folder) == read_manifest(export)


def test_queries_are_users_or_else_items(trained: Path, export: Path) -> None:
    users, said = query_vectors(exported.pipeline(trained), export, 3)
    first = {"user_id": [0, 1, 2], "city": ["Wien", "北京", "København"]}
    lines = (trained / "rows.csv").read_text(encoding="utf-8").splitlines()
    first["history"] = [line.split(",")[3] for line in lines[:3]]
    expected = SavedModel(export / "user_tower")(**tensors(first))["user_tower_emb"]
    np.testing.assert_allclose(users, expected, rtol=1e-5, atol=1e-6)
    assert said == f"users in {trained}/rows.csv"
    gone = exported.pipeline(trained, train_input_path="gone.csv", eval_input_path="gone.csv")
    items, said = query_vectors(gone, export, 3)
    np.testing.assert_array_equal(items, np.load(export / "item_vectors.npy")[[0, 6, 12]])
    assert "items" in said


def test_without_faiss_it_is_said_before_the_work(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ConfigError, match=r"easyrec_lite\[index\]"):
        index_module.require_faiss()
    with pytest.raises(ConfigError, match="faiss"):
        Estimator(exported.pipeline(trained)).export(
            tmp_path / "export", options=ExportOptions(index=IndexTuning())
        )
    assert not (tmp_path / "export").exists()


@pytest.mark.parametrize("share", ["0", "1.5", "much"])
def test_no_such_target(share: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(command, ["--target_recall", share]) == 2
    assert "share above 0" in capsys.readouterr().err
