"""The example with K vectors a user, from `check` to `recommend`, against direct computation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from easyrec_lite import build_index, predict, recommend
from easyrec_lite.checks.check import check_config, load_config
from easyrec_lite.checks.memory import estimate
from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.values import Bags, Ids
from easyrec_lite.datasets import __main__ as datasets
from easyrec_lite.models.assembly import build
from easyrec_lite.runs.estimator import Estimator, Hook
from easyrec_lite.serving.index import INDEX, search
from easyrec_lite.serving.item_vectors import read_ids, read_vectors
from easyrec_lite.serving.manifest import read_manifest
from easyrec_lite.serving.saved_model import SavedModel
from tests.commands import call, run
from tests.e2e.running import checkpoint_values, read_rows
from tests.evaluation.ranking import brute_force

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "examples" / "multi_interest_on_taobao.config"
ROWS = ["--rows", "1200", "--users", "150", "--items", "120"]
SMALL = {
    "feature_config.features[hash_bucket_size>500].hash_bucket_size": 500,
    "data_config.batch_size": 64,
    "data_config.negative_sampler.num_sample": 30,
    "data_config.negative_sampler.num_eval_sample": 30,
    "train_config.num_steps": 20,
    "train_config.save_checkpoints_steps": 20,
    "eval_config.full_ranking.topk": [5, 20],
}
PARAMS = "model_config.custom_params"
DATA = "data/taobao-synthetic"
SAME = ("user_id", "age_level")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data; `MODELS` has the example's model for the tests of this module."""
    folder = tmp_path_factory.mktemp("interests")
    call(datasets, ["taobao-synthetic", "--out", str(folder / DATA), *ROWS])
    assert MODELS.names()  # those of the package are found before
    with pytest.MonkeyPatch.context() as patch:
        for table in ("_specs", "_computations"):
            patch.setattr(MODELS, table, dict(getattr(MODELS, table)))
        import examples.multi_interest

        MODELS.declare(examples.multi_interest.MultiInterestSpec)
        MODELS.implement("MultiInterest")(examples.multi_interest.MultiInterest)
        patch.chdir(folder)
        yield folder


def pipeline(folder: Path, **edits: Any) -> Pipeline:
    return load_config(CONFIG, {"model_dir": str(folder / "model"), **SMALL, **edits})


@pytest.fixture(scope="module")
def trained(folder: Path) -> Any:
    return Estimator(pipeline(folder)).train_and_evaluate()


def rows() -> dict[str, np.ndarray]:
    return read_rows(Path(DATA, "test_clicked.csv"))


def user_vectors(export: Path, columns: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    tower = SavedModel(export / "user_tower")
    outputs = tower(**{name: tf.constant(columns[name].astype(str)) for name in tower.inputs})
    return outputs["user_tower_emb"].numpy(), outputs["user_emb_num"].numpy()


def scores_of_all(export: Path, columns: dict[str, np.ndarray]) -> np.ndarray:
    """The largest of the interests' scores, [Q, M]."""
    users, counts = user_vectors(export, columns)
    scores = np.einsum("qkd,md->qkm", users, read_vectors(export))
    missing = np.arange(users.shape[1]) >= counts[:, None]
    return np.where(missing[:, :, None], -np.inf, scores).max(axis=1)


def test_check_refuses_what_the_model_cannot_use(folder: Path) -> None:
    assert [p for p in check_config(CONFIG) if p.severity == "error"] == []
    faulty = {
        "model_config.feature_groups[0].feature_names": ["user_id", "adgroup_id"],
        PARAMS: {"interests": 1, "history": "city", "width": 8},
    }
    errors = [p for p in check_config(CONFIG, faulty) if p.severity == "error"]
    assert [problem.path for problem in errors] == [
        "model_config.feature_groups[0].feature_names[1]",
        f"{PARAMS}.interests",
        f"{PARAMS}.history",
    ]
    assert "the item that it must predict" in errors[0].message
    assert "adgroup_id" in errors[0].message


def test_memory_counts_the_dense_layers_and_the_scores_of_each_interest(folder: Path) -> None:
    def parts(interests: int) -> dict[str, int]:
        params = {"interests": interests, "history": "tag_brand_list", "width": 32}
        return estimate(pipeline(folder, **{PARAMS: {**params, "diversity": 0}})).parts

    # Kernels and biases, with two moments of Adam; 48 numbers a side.
    assert parts(2)["dense weights and optimiser"] == 2 * (48 * 32 + 32) * 3 * 4
    more = parts(5)["in-batch softmax"] - parts(3)["in-batch softmax"]
    assert more == 2 * 64 * (64 + 30) * 4


def test_interests_are_of_the_halves_of_the_history(folder: Path) -> None:
    model: Any = build(pipeline(folder)).model

    def vectors(histories: list[list[int]]) -> Any:
        rows = len(histories)
        same = {name: Ids(tf.fill([rows], tf.constant(3, tf.int64))) for name in SAME}
        bags = tf.RaggedTensor.from_row_lengths(
            tf.constant([piece for pieces in histories for piece in pieces], tf.int64),
            [len(pieces) for pieces in histories],
        )
        return model.user_vectors({**same, "tag_brand_list": Bags(bags)})

    found = vectors([[1, 2, 3, 4], [5, 6, 7], [8], []])
    assert found.vectors.shape == (4, 2, 32)
    assert found.counts.numpy().tolist() == [2, 2, 1, 1]
    # A history of one piece has it as its only interest, in both places.
    pairs = vectors([[1, 1], [2, 2], [1, 3]]).vectors.numpy()
    single = vectors([[1], [2], [3], []]).vectors.numpy()
    np.testing.assert_allclose(pairs[:2], single[:2], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(pairs[2], single[[0, 2], 0], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(single[:, 0], single[:, 1])
    # A part is the sum of its pieces: both orders of the first half give one vector.
    other = vectors([[2, 1, 4, 3]]).vectors.numpy()
    np.testing.assert_allclose(found.vectors[:1], other, rtol=1e-5, atol=1e-6)


def test_the_full_ranking_is_that_of_numpy(trained: Any) -> None:
    assert {"loss/diversity_loss", "loss/cross_entropy_loss", "recall@10"} <= trained.metrics.keys()
    columns = rows()
    ids = {item: at for at, item in enumerate(read_ids(trained.export))}
    by_user: dict[str, list[int]] = {}
    first: list[int] = []
    for row, user in enumerate(columns["user_id"].astype(str)):
        if user not in by_user:
            first.append(row)
        by_user.setdefault(user, []).append(ids[columns["adgroup_id"].astype(str)[row]])
    scores = scores_of_all(trained.export, {name: cells[first] for name, cells in columns.items()})
    held_out = [sorted(set(items)) for items in by_user.values()]
    expected, _ = brute_force.metrics(scores, held_out, [[]] * len(held_out), [5, 20], "kept")
    for name, value in expected.items():
        assert trained.metrics[f"full_ranking/kept/{name}"] == pytest.approx(value, abs=1e-6)


def test_the_batchs_logits_are_the_largest_of_the_interests(folder: Path) -> None:
    from easyrec_lite.training.input import BatchInput, ReadPlan

    made = build(pipeline(folder))
    model: Any = made.model
    source = BatchInput(
        made.pipeline,
        str(Path(DATA, "test_clicked.csv")),
        made.transform,
        model.extra_columns,
        made.candidate_features,
        training=False,
    )
    batch = next(iter(source.batches(16, ReadPlan())))
    predicted = {name: value.numpy() for name, value in model(batch, False).predictions.items()}
    users, items = predicted["user_tower_emb"], predicted["item_tower_emb"]
    assert users.shape == (16, 2, 32)
    assert items.shape == (16 + 30, 32)
    expected = np.einsum("bkd,nd->bkn", users, items).max(axis=1) / 0.05
    np.testing.assert_allclose(predicted["logits"], expected, rtol=1e-4, atol=1e-4)


def test_the_export_says_that_there_are_two_vectors(trained: Any) -> None:
    models = read_manifest(trained.export)["models"]
    assert models["user_tower"]["outputs"] == {
        "user_tower_emb": {"dtype": "float32", "shape": [None, 2, 32]},
        "user_emb_num": {"dtype": "int32", "shape": [None]},
    }
    assert models["item_tower"]["outputs"]["item_tower_emb"]["shape"] == [None, 32]
    assert models["recommender"]["outputs"].keys() == {"item_ids", "scores", "interests"}


def test_predict_writes_all_vectors_of_a_user(trained: Any, folder: Path) -> None:
    flags = [f"--saved_model_dir={trained.export}", f"--input_path={DATA}/test_clicked.csv"]
    users, counts = user_vectors(trained.export, rows())
    for suffix in ("parquet", "csv"):
        output = folder / f"users.{suffix}"
        assert run(predict, [*flags, "--model=user_tower", f"--output_path={output}"]) == 0
    table = pd.read_parquet(folder / "users.parquet")
    stacked = np.array([np.stack(row) for row in table.user_tower_emb])
    np.testing.assert_allclose(stacked, users, atol=1e-6)
    assert table.user_emb_num.tolist() == counts.tolist()
    text = pd.read_csv(folder / "users.csv").user_tower_emb[0]
    read = [[float(number) for number in vector.split(",")] for vector in text.split("|")]
    np.testing.assert_allclose(read, users[0], atol=1e-6)
    output = folder / "scores.parquet"
    assert run(predict, [*flags, f"--output_path={output}"]) == 0
    scored = pd.read_parquet(output)
    items = np.stack(scored.item_tower_emb)
    expected = np.einsum("bkd,bd->bk", users, items).max(axis=1) / 0.05
    np.testing.assert_allclose(scored.logits, expected, rtol=1e-4, atol=1e-4)
    assert scored.user_emb[0].count("|") == 1


def test_the_index_finds_what_any_interest_finds(trained: Any) -> None:
    faiss = pytest.importorskip("faiss")
    flags = [f"--saved_model_dir={trained.export}", "--target_recall=1", "--recall_at=10"]
    assert run(build_index, flags) == 0
    measured = read_manifest(trained.export)["index"]
    assert measured["recall"] == 1
    index = faiss.read_index(str(trained.export / INDEX))
    users, _ = user_vectors(trained.export, rows())
    scores, items = search(index, users, 10)
    expected = -np.sort(-scores_of_all(trained.export, rows()), axis=1)[:, :10]
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)
    assert all(len(set(found)) == 10 for found in items.tolist())


def test_recommend_tells_which_interest_found_an_item(trained: Any, folder: Path) -> None:
    output = folder / "recommended.parquet"
    flags = [f"--saved_model_dir={trained.export}", f"--input_path={DATA}/test_clicked.csv"]
    more = ["--topk=7", "--reserved_cols=user_id", f"--output_path={output}"]
    assert run(recommend, [*flags, *more]) == 0
    table = pd.read_parquet(output)
    users, counts = user_vectors(trained.export, rows())
    scores = scores_of_all(trained.export, rows())
    best = np.sort(scores, axis=1)[:, ::-1][:, :7]
    np.testing.assert_allclose(table.score.to_numpy().reshape(-1, 7), best, rtol=1e-5, atol=1e-6)
    row = table.row.to_numpy() - 1
    assert np.all(table.interest <= counts[row])
    assert set(table.interest) == {1, 2}
    at = {item: number for number, item in enumerate(read_ids(trained.export))}
    vectors = read_vectors(trained.export)[[at[item] for item in table.item_id]]
    by_interest = np.einsum("rkd,rd->rk", users[row], vectors)
    own = by_interest[np.arange(len(row)), table.interest - 1]
    np.testing.assert_allclose(own, table.score, rtol=1e-5, atol=1e-6)


def test_a_run_that_stops_goes_on_to_the_same_weights(folder: Path) -> None:
    class Stop(Hook):
        def should_stop(self, step: int) -> str | None:
            return "half of it" if step >= 6 else None

    def train(name: str, *hooks: Hook) -> str | None:
        edits = {"model_dir": str(folder / name), "train_config.num_steps": 12}
        saved = {"train_config.save_checkpoints_steps": 3, "train_config.log_step_count_steps": 1}
        return Estimator(pipeline(folder, **edits, **saved), hooks).train().checkpoint

    whole = checkpoint_values(train("whole"))
    assert train("parts", Stop()) != train("parts")
    parts = checkpoint_values(train("parts"))
    assert whole.keys() == parts.keys()
    assert [name for name in whole if not np.array_equal(whole[name], parts[name])] == []
