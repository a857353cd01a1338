"""MIND: the number of interests, their mixture and similarity, and which configs are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite import check_config, load_config
from easyrec_lite.models.assembly import build
from easyrec_lite.models.retrieval.mind.capsules import CapsuleLayer
from easyrec_lite.models.retrieval.mind.model import interest_similarity
from easyrec_lite.models.retrieval.mind.self_attention import SelfAttentionLayer
from easyrec_lite.models.retrieval.task import retrieval_of
from easyrec_lite.protos.messages import Capsule
from tests.e2e import tastes
from tests.e2e.test_mind import MODEL, SHARED, options

SIZES = {"max_k": 3, "max_seq_len": 25, "high_dim": 4}


def capsules(**more: Any) -> CapsuleLayer:
    layer = CapsuleLayer(Capsule(**{**SIZES, **more}), 3)
    layer.build((None, None, 5))
    return layer


def test_the_number_of_interests_follows_the_length() -> None:
    lengths = tf.constant([0, 1, 7, 8, 20, 21, 1000], tf.int64)
    assert list(capsules().counts(lengths).numpy()) == [1, 1, 1, 2, 2, 3, 3]
    assert list(capsules(const_caps_num=True).counts(lengths).numpy()) == [3] * 7


def test_capsules_by_their_formula() -> None:
    """In NumPy, row by row; padding, and steps beyond `max_seq_len`, change nothing."""
    layer = capsules(max_seq_len=9, squash_pow=0.5, scale_ratio=2.0)
    rng = np.random.default_rng(4)
    lengths = [12, 8, 1, 0]
    steps = rng.normal(size=(4, 12, 5)).astype(np.float32)
    found = layer(tf.constant(steps), tf.constant(lengths, tf.int64), training=False).numpy()
    start, kernel = layer.first_logits(tf.constant(4), False).numpy(), layer.projection.numpy()

    def unit(x: np.ndarray) -> np.ndarray:
        return x / np.sqrt(np.maximum((x * x).sum(-1, keepdims=True), 1e-12))

    for row, length in enumerate(lengths):
        length = min(length, 9)
        number = int(np.clip(np.floor(np.log(max(length, 1))), 1, 3))
        high, logits = steps[row, :length] @ kernel, start[:length, :number]
        for _ in range(3):
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            weights /= weights.sum(axis=1, keepdims=True)
            made = weights.T @ high
            logits = 20 * unit(high) @ unit(made).T
        square = np.maximum((made * made).sum(axis=1, keepdims=True), 1e-8)
        expected = made / np.sqrt(square) * np.sqrt(square / (1 + square)) * 2
        np.testing.assert_allclose(found[row, :number], expected, rtol=1e-4, atol=1e-5)
        assert not found[row, number:].any()


def test_self_attention_by_its_formula() -> None:
    """In NumPy, row by row; padding, and steps beyond `max_seq_len`, change nothing."""
    layer = SelfAttentionLayer(Capsule(**{**SIZES, "max_seq_len": 9, "attention_units": 6}), 3)
    layer.build((None, None, 5))
    rng = np.random.default_rng(4)
    lengths = [12, 8, 1, 0]
    steps = rng.normal(size=(4, 12, 5)).astype(np.float32)
    given = tf.constant(lengths, tf.int64)
    found = layer(tf.constant(steps), given, training=True).numpy()
    other = np.where(np.arange(12)[None, :, None] < np.minimum(lengths, 9)[:, None, None], steps, 7)
    np.testing.assert_allclose(layer(tf.constant(other, tf.float32), given), found, rtol=1e-5)
    kernel, hidden, heads, places = (w.numpy() for w in layer.trainable_variables)
    assert places.shape == (9, 4)
    for row, length in enumerate(min(length, 9) for length in lengths):
        number = int(np.clip(np.floor(np.log(max(length, 1))), 1, 3))
        values = steps[row, :length] @ kernel
        powers = np.exp(np.tanh((values + places[:length]) @ hidden) @ heads)
        expected = (powers / powers.sum(axis=0)).T @ values
        np.testing.assert_allclose(found[row, :number], expected[:number], rtol=1e-4, atol=1e-5)
        assert not found[row, number:].any()


def test_self_attention_does_not_depend_on_the_longest_history() -> None:
    layer = SelfAttentionLayer(Capsule(**SIZES), 3)
    layer.build((None, None, 5))
    steps = tf.random.stateless_normal([2, 6, 5], [1, 2])
    alone = layer(steps[:1, :3], tf.constant([3]))
    np.testing.assert_allclose(layer(steps, tf.constant([3, 6]))[:1], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("extractor", "field"), [("SELF_ATTENTION", "squash_pow"), ("ROUTING", "attention_units")]
)
def test_what_an_extractor_does_not_read_is_named(extractor: str, field: str) -> None:
    path = "model_config.mind.capsule_config"
    config = load_config("mind_on_taobao.config").config.model_config.mind.capsule_config
    assert config.HasField("squash_pow")
    edits = {f"{path}.extractor": extractor, f"{path}.attention_units": 16}
    warnings = list(check_config("mind_on_taobao.config", edits))
    assert [each.path for each in warnings] == [f"{path}.{field}"]
    assert extractor in str(warnings[0])


def test_routing_starts_anew_in_training_alone() -> None:
    layer, steps = capsules(), tf.random.stateless_normal([2, 6, 5], [1, 2])
    lengths = tf.constant([6, 6], tf.int64)
    first, second = (layer(steps, lengths, training=False) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    drawn = [layer.first_logits(tf.constant(2), True).numpy() for _ in range(2)]
    assert np.any(drawn[0] != drawn[1])
    assert np.any(drawn[0][0] != drawn[0][1])


def test_the_similarity_is_the_mean_over_pairs_of_the_rows_with_several() -> None:
    vectors = np.random.default_rng(3).normal(size=(3, 3, 4)).astype(np.float32)
    counts = [3, 1, 2]
    rows = []
    for row, count in ((0, 3), (2, 2)):
        units = vectors[row, :count]
        units = units / np.linalg.norm(units, axis=1, keepdims=True)
        cosines = (units @ units.T)[np.triu_indices(count, 1)]
        rows.append((1 + cosines.mean()) / 2)
    found = interest_similarity(tf.constant(vectors), tf.constant(counts))
    assert found.numpy() == pytest.approx(np.mean(rows), rel=1e-5)
    assert interest_similarity(tf.constant(vectors), tf.constant([1, 1, 1])).numpy() == 0


@pytest.mark.parametrize(
    ("edits", "names"),
    [
        ({"model_config.mind.time_id_fea": "kindz"}, ["kindz", "kinds"]),
        ({"model_config.mind.time_id_fea": "kinds"}, ["kinds", "embedding_dim"]),
        ({"model_config.mind.capsule_config.max_k": 0}, ["max_k"]),
        ({"model_config.mind.simi_pow": 0.0}, ["simi_pow"]),
        ({"model_config.mind.item_dnn.hidden_units": [16, 3]}, ["item_dnn", "concat_dnn"]),
        ({"model_config.feature_groups[0].feature_names": ["city"]}, ["city", "hist"]),
        ({"model_config.feature_groups[1].feature_names": ["history"]}, ["history", "user"]),
        (
            {"model_config.feature_groups[0].feature_names": ["kinds", "cities"]},
            ["SUM", "cities"],
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_config_that_cannot_be_is_refused(
    tmp_path: Path, edits: dict[str, Any], names: list[str]
) -> None:
    config = tastes.config_file(tmp_path, MODEL, **options(tmp_path))
    text = (
        config.read_text()
        + """feature_config { features {
      feature_name: "cities" input_names: "city" feature_type: SequenceFeature
      sub_feature_type: IdFeature separator: "|" embedding_dim: 5 hash_bucket_size: 9 } }"""
    )
    config.write_text(text)
    found = [p for p in check_config(config, {**SHARED, **edits}) if p.severity == "error"]
    shown = " ".join(f"{p.message} {p.expected} {p.found} {p.nearest} {p.path}" for p in found)
    assert all(name in shown for name in names), shown


def test_a_history_is_cut_to_its_newest_steps_if_their_order_is_stated(tmp_path: Path) -> None:
    """MODEL reads twelve steps; of fifteen, three change nothing."""
    tastes.write(tmp_path, liked=2, negatives=False)
    config = tastes.config_file(tmp_path, MODEL, **options(tmp_path))
    steps = [f"kind {number % 5}" for number in range(15)]
    first, last = [*["kind 5"] * 3, *steps[3:]], [*steps[:12], *["kind 5"] * 3]

    def vectors(order: str, cell: list[str]) -> np.ndarray:
        edit = {"feature_config.features[input_names[0]=kinds].step_order": order}
        parts = build(load_config(config, {**SHARED, **(edit if order else {})}))
        columns = {"kinds": tf.constant(["|".join(cell)]), "city": tf.constant(["city 1"])}
        model = retrieval_of(parts.model)
        values = parts.transform(columns, parts.features_of(model.user_groups))
        return model.user_vectors(values).vectors.numpy()

    for order, ignored, read in (
        ("", last, first),
        ("OLDEST_FIRST", first, last),
        ("NEWEST_FIRST", last, first),
    ):
        whole = vectors(order, steps)
        np.testing.assert_allclose(vectors(order, ignored), whole, atol=1e-6)
        assert np.abs(vectors(order, read) - whole).max() > 1e-5
    backwards = vectors("NEWEST_FIRST", steps[::-1])
    np.testing.assert_allclose(backwards, vectors("OLDEST_FIRST", steps), atol=1e-6)
