"""MatchModel: towers out of a backbone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.checks.check import check
from easyrec_lite.checks.view import View
from easyrec_lite.config import loads
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.data.rows.values import Bags, Dense, Ids, Steps
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.layers.build import kernels
from easyrec_lite.models.assembly import build
from easyrec_lite.models.backbone.groups import EmbeddedGroups
from easyrec_lite.models.retrieval.match_model.model import MatchModel
from easyrec_lite.serving.signatures import ServedFunction
from tests.models.backbone.building import TEXT

MLP = 'keras_layer { class_name: "MLP" mlp { hidden_units: [3, 2] } }'
TOWERS = f"""
blocks {{ name: "user" inputs {{ feature_group_name: "ab" }} {MLP} }}
blocks {{ name: "item" inputs {{ feature_group_name: "ids" }} {MLP} }}
output_blocks: ["user", "item"]
"""
LISTWISE = (
    'model_class: "MatchModel"\n  loss_type: SOFTMAX_CROSS_ENTROPY embedding_regularization: 0.1'
)
RNG = np.random.default_rng(5)


def text(backbone: str, params: str = "") -> str:
    whole = TEXT.format(backbone=backbone).replace('model_class: "MatchModel"', LISTWISE)
    return whole.replace("model_params { }", f"model_params {{ {params} }}")


def model(backbone: str, params: str = "") -> MatchModel:
    config = loads(text(backbone, params), "my.config")
    return MatchModel(config, GroupEmbeddings(config, 4), 4)


def numbers(rows: int, dim: int) -> Dense:
    return Dense(tf.constant(RNG.normal(size=(rows, dim)), tf.float32))


def items(rows: int) -> dict[str, Any]:
    tags = tf.ragged.constant([[1, 2], [], [5]] * rows, ragged_rank=1, dtype=tf.int64)[:rows]
    return {"id": Ids(tf.range(rows, dtype=tf.int64) % 5), "tags": Bags(tags)}


def batch(rows: int = 4, sampled: int = 3) -> Batch:
    users = {name: numbers(rows, 4) for name in "ab"}
    features = {**users, **items(rows)}
    return Batch(features, {"y": tf.ones([rows])}, negatives=items(sampled))


def test_shapes_groups_and_vectors() -> None:
    made, given = model(TOWERS), batch()
    assert (made.user_groups, made.item_groups) == (("ab",), ("ids",))
    outputs = made(given, False)
    assert outputs.predictions["user_tower_emb"].shape == (4, 2)
    assert outputs.predictions["item_tower_emb"].shape == (7, 2)
    assert outputs.predictions["logits"].shape == (4, 7)
    users = {name: given.features[name] for name in "ab"}
    np.testing.assert_allclose(
        made.user_vectors(users).vectors[:, 0], outputs.predictions["user_tower_emb"], rtol=1e-6
    )


def test_towers_are_picked_by_index() -> None:
    params = "user_tower_idx_in_output: 1 item_tower_idx_in_output: 0"
    made = model(TOWERS.replace('["user", "item"]', '["item", "user"]'), params)
    assert (made.user_groups, made.item_groups) == (("ab",), ("ids",))


def test_every_weight_learns_in_one_step() -> None:
    made, given = model(TOWERS, "l2_regularization: 0.5"), batch()
    variables = {
        name: each
        for name, each in made.trainable.items()
        if not name.startswith(("history/", "words/"))
    }

    @tf.function
    def gradients() -> dict[str, Any]:
        with tf.GradientTape() as tape:
            total = tf.add_n(list(made.losses(made(given, True), given).values()))
        return tape.gradient(total, variables)

    found = gradients()
    assert set(found) == set(variables)
    assert {"ids/id/embedding", "user/layer_0/kernel", "item/layer_1/bn/gamma"} < set(found)
    assert all(gradient is not None for gradient in found.values())


def test_regularisation_of_kernels_and_vectors() -> None:
    made, given = model(TOWERS, "l2_regularization: 0.5"), batch()
    penalties = made(given, True).penalties
    squares = sum(
        np.sum(kernel.numpy() ** 2)
        for name in ("user", "item")
        for layer in made.backbone.layers[name]
        for kernel in kernels(layer)
    )
    np.testing.assert_allclose(penalties["kernels"], 0.25 * squares, rtol=1e-6)
    candidates = made._candidate_features(given)
    vectors = made.embeddings("ids", candidates)
    expected = 0.05 * sum(np.sum(each.numpy() ** 2) for each in vectors)
    np.testing.assert_allclose(penalties["ids"], expected, rtol=1e-6)


def test_raw_numbers_are_not_regularised() -> None:
    history = Steps(tf.ragged.constant([[1, 2], [3]], dtype=tf.int64))
    features = {"clicks": history, "c": numbers(2, 2), "a": numbers(2, 4), "b": numbers(2, 4)}
    made = model(TOWERS)
    groups = EmbeddedGroups(made.embeddings, features, True)
    steps, _, others = groups.sequences("history")
    assert len(others) == len(groups.fields("ab")) - 1 == 1
    (regularised,) = groups.vectors["history"]
    np.testing.assert_array_equal(regularised, steps)
    assert groups.vectors["ab"] == []
    assert float(made(batch(), True).penalties["ab"]) == 0


SHARED = f"""
packages {{ name: "p" blocks {{ name: "mlp" inputs {{ use_package_input: true }} {MLP} }} }}
blocks {{ name: "user" inputs {{ package_name: "p" package_input: "ab" }} }}
blocks {{ name: "item" inputs {{ package_name: "p" package_input: "ids" }} }}
output_blocks: ["user", "item"]
"""


def test_a_package_shared_by_both_towers_counts_once() -> None:
    made, given = model(SHARED, "l2_regularization: 0.5"), batch()
    squares = sum(np.sum(k.numpy() ** 2) for k in made.backbone.layers["p/mlp"][0].kernels)
    np.testing.assert_allclose(made(given, True).penalties["kernels"], 0.25 * squares, rtol=1e-6)


@pytest.mark.parametrize(
    ("backbone", "params", "piece"),
    [
        (TOWERS.replace("[3, 2]", "[3, 1]", 1), "", "differ in width"),
        (
            TOWERS + 'blocks { name: "x" inputs { feature_group_name: "ab" } input_layer '
            '{ only_output_feature_list: true } } output_blocks: "x"',
            "user_tower_idx_in_output: 2",
            "gives no tower vector",
        ),
        (TOWERS.replace("hidden_units", "hidden_size"), "", "hidden_size"),
    ],
)
def test_refuses(backbone: str, params: str, piece: str) -> None:
    with pytest.raises(ConfigError, match=piece):
        model(backbone, params)


@pytest.mark.parametrize(
    ("backbone", "params", "piece"),
    [
        (TOWERS + "top_mlp { hidden_units: 2 }", "", "top_mlp joins the outputs"),
        (TOWERS.replace("output_blocks", "concat_blocks"), "", "two output_blocks"),
        (TOWERS.replace('["user", "item"]', '"user"'), "", "needs two output_blocks"),
        (TOWERS, "item_tower_idx_in_output: 2", "no output 2"),
        (TOWERS, "item_tower_idx_in_output: -1", "no output -1"),
        (TOWERS, "item_tower_idx_in_output: 0", "both towers are output 0"),
        (TOWERS, "", "no tower reads feature group 'history'"),
        (
            TOWERS.replace('"ids" }', '"ids" } inputs { block_name: "user" }'),
            "",
            "item ← user ← ab",
        ),
    ],
)
def test_checked_without_building(backbone: str, params: str, piece: str) -> None:
    found = check(loads(text(backbone, params), "my.config"))
    report = [str(problem) for problem in found if piece in str(problem)]
    assert report, "\n".join(map(str, found))
    assert report[0].startswith("my.config:")


def compared(block: str) -> str:
    """Returns two towers, and a loss that compares a block with a second view of the user."""
    return f"""{TOWERS}
blocks {{ name: "other" inputs {{ feature_group_name: "ab" }} {MLP} }}
blocks {{ name: "near" inputs {{ block_name: "{block}" }} inputs {{ block_name: "other" }}
  merge_inputs_into_list: true keras_layer {{ class_name: "AuxiliaryLoss" st_params {{
    fields {{ key: "loss_type" value {{ string_value: "l2_loss" }} }}
    fields {{ key: "loss_weight" value {{ number_value: 0.5 }} }} }} }} }}
"""


@pytest.mark.parametrize("training", [True, False])
def test_a_block_adds_its_loss(training: bool) -> None:
    made, given = model(compared("user")), batch()
    outputs = made(given, training)
    losses = made.losses(outputs, given)
    values = made.backbone.values(
        EmbeddedGroups(made.embeddings, given.features, training), training
    )
    expected = 0.5 * np.square(values["user"] - values["other"]).sum(-1).mean()
    np.testing.assert_allclose(losses["near_l2_loss"], expected, rtol=1e-4)
    assert {"other/layer_0/kernel", "other/layer_1/kernel"} <= set(made.trainable)
    view = View(made.pipeline)
    assert view.spec is not None
    assert "near_l2_loss" in (view.spec.losses(view) or [])


def test_a_loss_compares_vectors_of_one_tower() -> None:
    found = check(loads(text(compared("item")), "my.config"))
    (error,) = (each for each in found if "'near'" in each.message)
    assert error.severity == "error"
    assert "near ← item ← ids" in error.found
    assert "near ← other ← ab" in error.found
    assert not [each for each in check(loads(text(compared("user")))) if "'near'" in each.message]


def test_what_only_feeds_a_loss_is_not_saved() -> None:
    parts = build(loads(text(compared("user")), "my.config"))
    offered = parts.model.signatures()
    for name, expected in (("user_tower", "user"), ("item_tower", "item")):
        saved = {each.name for each in ServedFunction(parts, offered[name]).variables}
        names = [key for key, each in parts.model.variables_by_name().items() if each.name in saved]
        assert any(key.startswith(expected) for key in names)
        assert not [key for key in names if key.startswith("other")]
