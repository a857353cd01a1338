"""MultiTowerRecall: which configs are refused, what sampled items change, its masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite import check_config
from easyrec_lite.checks.memory import estimate
from easyrec_lite.models.assembly import build
from easyrec_lite.training.input import BatchInput, ReadPlan
from tests.e2e import tastes
from tests.e2e.test_multi_tower_recall import MODEL, sampler

USER, ITEM = "model_config.feature_groups[0]", "model_config.feature_groups[1]"
DNNS = (
    f"{USER}.sequence_features[0].seq_dnn",
    "model_config.multi_tower_recall.user_tower.dnn",
    "model_config.multi_tower_recall.item_tower.dnn",
    "model_config.multi_tower_recall.final_dnn",
)
PLAIN = {f"{dnn}.use_bn": False for dnn in DNNS}


def batch_and_model(folder: Path, edits: dict[str, Any], rows: int = 6) -> Any:
    """Returns a batch of training rows with sampled items, and the model."""
    tastes.write(folder)
    pipeline = tastes.pipeline(
        folder, MODEL, ranked=False, data_config=sampler(folder), edits=edits
    )
    parts = build(pipeline)
    model: Any = parts.model
    for name, variable in model.variables_by_name().items():
        if variable.dtype == tf.float32 and not name.endswith("moving_variance"):
            variable.assign(tf.random.stateless_normal(variable.shape, [len(name), 5]) * 0.3)
    path = pipeline.config.train_input_path
    candidates = parts.candidate_features
    source = BatchInput(pipeline, path, parts.transform, (), candidates, training=True)
    return next(iter(source.batches(rows, ReadPlan()))), model


def test_without_batch_norm_sampled_items_change_no_logit(tmp_path: Path) -> None:
    batch, model = batch_and_model(tmp_path, PLAIN)
    alone = model(batch._replace(negatives={}), True)
    beside = model(batch, True)
    np.testing.assert_array_equal(beside.predictions["logits"], alone.predictions["logits"])
    served = model.serve(batch.features)["logits"]
    np.testing.assert_allclose(beside.predictions["logits"], served, atol=1e-6)
    # As in EasyRec, what is looked up for them is regularised.
    assert float(beside.penalties["item"]) > float(alone.penalties["item"])
    assert float(beside.penalties["user"]) > float(alone.penalties["user"])


def test_with_batch_norm_all_pairs_give_the_moments(tmp_path: Path) -> None:
    """Of final_dnn's first layer: its inputs are those of each pair as a row of its own."""
    only = {**PLAIN, f"{DNNS[3]}.use_bn": True}
    batch, model = batch_and_model(tmp_path, only)
    pairs = []
    for index in range(int(batch.sampled)):
        features = dict(batch.features)
        for name, value in batch.negatives.items():
            ids = tf.repeat(value.ids[index : index + 1], batch.rows)
            features[name] = batch.features[name]._replace(ids=ids)
        pairs.append(features)
    inputs = []
    for features in (batch.features, *pairs):
        user, _ = model.joined("user", features, False)
        item, _ = model.joined("item", features, False)
        inputs.append(np.concatenate([model._user(user), model._item(item)], axis=1))
    values = model.variables_by_name()
    hidden = np.concatenate(inputs) @ values["final_dnn/dnn_0/kernel"].numpy()
    hidden += values["final_dnn/dnn_0/bias"].numpy()
    before = values["final_dnn/dnn_0/bn/moving_mean"].numpy()
    model(batch, True)
    moved = values["final_dnn/dnn_0/bn/moving_mean"].numpy()
    expected = before * 0.99 + hidden.mean(axis=0) * 0.01
    np.testing.assert_allclose(moved, expected, atol=1e-5)


def test_keys_outside_the_item_group_are_sampled_too(tmp_path: Path) -> None:
    edits = {**PLAIN, f"{ITEM}.feature_names": ["item_id"]}
    batch, model = batch_and_model(tmp_path, edits)
    features, pairs = model._candidates(batch)
    kinds = tf.concat([batch.features["kind"].ids, batch.negatives["kind"].ids], axis=0)
    table = model.tables["user/sequence_features/kind/embedding"].numpy()
    looked_up = model.embeddings.read("user", features, True, pairs=pairs).looked_up
    np.testing.assert_allclose(looked_up[1], table[kinds.numpy()], rtol=1e-6)
    assert len(looked_up[0]) == 6
    assert len(looked_up[1]) == 6 + 3


def test_a_batch_of_one_row_and_of_an_empty_history(tmp_path: Path) -> None:
    batch, model = batch_and_model(tmp_path, {}, rows=1)
    assert np.isfinite(model(batch, True).predictions["logits"]).all()
    assert model.serve(batch.features)["probs"].shape == (1,)


def test_memory_counts_the_pairs_that_batch_norm_reads(tmp_path: Path) -> None:
    def parts(edits: dict[str, Any]) -> dict[str, int]:
        options = {"data_config": sampler(tmp_path), "edits": edits}
        return estimate(tastes.pipeline(tmp_path, MODEL, ranked=False, **options)).parts

    tastes.write(tmp_path)
    more = {"data_config.negative_sampler.num_sample": 6}
    (name,) = set(parts({})) - set(parts(PLAIN))
    assert parts(more)[name] == 2 * parts({})[name]


@pytest.mark.parametrize(
    ("edits", "names"),
    [
        ({f"{USER}.negative_sampler": None}, ["user", "negative_sampler: true"]),
        ({f"{USER}.sequence_features": None}, ["user", "sequence_features"]),
        ({f"{ITEM}.negative_sampler": True}, ["item", "negative_sampler"]),
        (
            {f"{USER}.sequence_features[0].seq_att_map[0].aux_hist_seq": ["history"]},
            ["aux_hist_seq", "history"],
        ),
        ({f"{USER}.feature_names": ["kinds"]}, ["kinds", "sequence_combiner"]),
        ({"model_config.loss_type": "L2_LOSS"}, ["L2_LOSS"]),
        ({"model_config.loss_type": "SOFTMAX_CROSS_ENTROPY"}, ["SOFTMAX_CROSS_ENTROPY"]),
        ({"model_config.multi_tower_recall.final_dnn.hidden_units": []}, ["final_dnn"]),
        ({"model_config.multi_tower_recall.final_dnn.hidden_units": [8, 0]}, ["final_dnn", "0"]),
        (
            {"eval_config.full_ranking": {"item_path": "items.txt", "item_id": "item_id"}},
            ["MultiTowerRecall", "rank"],
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_config_that_cannot_be_is_refused(
    tmp_path: Path, edits: dict[str, Any], names: list[str]
) -> None:
    tastes.write(tmp_path)
    config = tastes.config_file(tmp_path, MODEL, ranked=False, data_config=sampler(tmp_path))
    found = [p for p in check_config(config, edits) if p.severity == "error"]
    shown = " ".join(f"{p.message} {p.expected} {p.found} {p.path}" for p in found)
    assert found
    assert all(name in shown for name in names), shown
    assert all(problem.remedy or problem.expected for problem in found)


@pytest.mark.parametrize(("edits", "told"), [({}, "3 more items"), (PLAIN, "regularisation")])
def test_check_says_that_sampled_items_do_not_train(
    tmp_path: Path, edits: dict[str, Any], told: str
) -> None:
    tastes.write(tmp_path)
    config = tastes.config_file(tmp_path, MODEL, ranked=False, data_config=sampler(tmp_path))
    warned = {p.path: p.message for p in check_config(config, edits)}
    assert told in warned["data_config.negative_sampler"]
    assert "scorer" in warned["model_config.model_class"]


def test_keys_of_the_item_need_no_permission(tmp_path: Path) -> None:
    tastes.write(tmp_path)
    config = tastes.config_file(tmp_path, MODEL, ranked=False)
    path = f"{USER}.sequence_features[0].allow_item_keys"
    found = {p.path: p.severity for p in check_config(config, {path: True})}
    assert found[path] == "warning"
    assert "error" not in found.values()
