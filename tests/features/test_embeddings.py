from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from easyrec_lite.data.rows.values import Bags, Dense, DenseSteps, Ids, Steps
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.models.base import Model
from tests.features.configs import config_of

ID = "feature_type: IdFeature embedding_dim: 3 num_buckets: 6"


def embeddings(*bodies: str, seed: int = 1, **more: Any) -> GroupEmbeddings:
    return GroupEmbeddings(config_of(*bodies, **more), seed)


def one_table(made: GroupEmbeddings) -> np.ndarray:
    (table,) = made.tables.values()
    return table.numpy()


def ragged(rows: list[list[Any]], dtype: tf.DType = tf.int64) -> tf.RaggedTensor:
    return tf.ragged.constant(rows, dtype, ragged_rank=1)


def field(made: GroupEmbeddings, value: Any, name: str = "x") -> np.ndarray:
    (vectors,) = made("all", {name: value})
    return vectors.numpy()


def test_tables_by_group_and_feature() -> None:
    bodies = [f'input_names: "{name}" {ID}' for name in "ab"]
    made = embeddings(*bodies, groups={"user": ["b", "a"], "item": ["a"]})
    assert list(made.tables) == ["user/b/embedding", "user/a/embedding", "item/a/embedding"]
    assert {table.shape for table in made.tables.values()} == {(6, 3)}
    assert [table.name for table in made.tables.values()] == [f"{name}:0" for name in made.tables]
    values = {"a": Ids(tf.constant([1])), "b": Ids(tf.constant([2]))}
    first, second = made("user", values)
    np.testing.assert_array_equal(first[0], made.tables["user/b/embedding"][2])
    np.testing.assert_array_equal(second[0], made.tables["user/a/embedding"][1])
    np.testing.assert_array_equal(
        made("item", values)[0][0], made.tables["item/a/embedding"].numpy()[1]
    )


def test_initial_values_do_not_depend_on_what_else_is_there() -> None:
    alone = embeddings(f'input_names: "a" {ID}').tables["all/a/embedding"]
    both = embeddings(f'input_names: "b" {ID}', f'input_names: "a" {ID}')
    np.testing.assert_array_equal(alone, both.tables["all/a/embedding"])
    assert not np.array_equal(alone, both.tables["all/b/embedding"])
    other = embeddings(f'input_names: "a" {ID}', seed=2)
    assert not np.array_equal(alone, other.tables["all/a/embedding"])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-1, 5), max_size=12))
def test_ids_are_rows_and_no_id_is_zeros(ids: list[int]) -> None:
    made = embeddings(f'input_names: "x" {ID}')
    table = one_table(made)
    got = field(made, Ids(tf.constant(ids, tf.int64)))
    want = [table[i] if i >= 0 else np.zeros(3) for i in ids]
    np.testing.assert_array_equal(got, np.reshape(want, [-1, 3]))


def pooled(combiner: str, vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = (vectors * weights[:, None]).sum(axis=0)
    divisor = {"sum": 1.0, "mean": weights.sum(), "sqrtn": np.sqrt((weights**2).sum())}[combiner]
    return total / divisor if len(weights) else np.zeros(vectors.shape[1])


TAG = 'input_names: "x" feature_type: TagFeature embedding_dim: 3 num_buckets: 6 '
ROWS = st.lists(
    st.lists(st.tuples(st.integers(0, 5), st.floats(0.125, 4, width=32)), max_size=6), max_size=6
)


@pytest.mark.parametrize("combiner", ["sum", "mean", "sqrtn"])
@settings(deadline=None, max_examples=50)
@given(rows=ROWS)
def test_pooling_is_the_formula(combiner: str, rows: list[list[tuple[int, float]]]) -> None:
    made = embeddings(TAG + f'combiner: "{combiner}"')
    table = one_table(made)
    ids = [np.array([i for i, _ in row], int) for row in rows]
    weights = [np.array([w for _, w in row]) for row in rows]
    value = Bags(
        ragged([row.tolist() for row in ids]),
        ragged([row.tolist() for row in weights], tf.float32),
    )
    want = [pooled(combiner, table[i], w) for i, w in zip(ids, weights, strict=True)]
    np.testing.assert_allclose(field(made, value), np.reshape(want, [-1, 3]), atol=1e-5)
    want = [pooled(combiner, table[i], np.ones(len(i))) for i in ids]
    plain = field(made, Bags(value.ids))
    np.testing.assert_allclose(plain, np.reshape(want, [-1, 3]), atol=1e-5)


def test_weights_that_cancel_give_zeros_not_nan() -> None:
    made = embeddings(TAG + 'combiner: "mean"')
    value = Bags(ragged([[1, 2]]), ragged([[1.0, -1.0]], tf.float32))
    np.testing.assert_array_equal(field(made, value), np.zeros((1, 3)))


def test_numbers_weigh_learnt_vectors_or_stay_as_they_are() -> None:
    raw = 'input_names: "x" feature_type: RawFeature raw_input_dim: 2 '
    numbers = np.array([[1.0, 2.0], [0.0, -3.0]], np.float32)
    made = embeddings(raw + "embedding_dim: 3")
    got = field(made, Dense(tf.constant(numbers)))
    np.testing.assert_allclose(got, numbers @ one_table(made), rtol=1e-6)
    plain = embeddings(raw)
    assert plain.tables == {}
    np.testing.assert_array_equal(field(plain, Dense(tf.constant(numbers))), numbers)


def test_buckets_of_pooled_numbers_are_summed() -> None:
    raw = 'input_names: "x" feature_type: RawFeature raw_input_dim: 2 boundaries: 1 '
    made = embeddings(raw + 'embedding_dim: 3 seq_multi_sep: ";" combiner: "max"')
    table = one_table(made)
    got = field(made, Bags(ragged([[0, 3], [1, 2]])))
    np.testing.assert_allclose(got, [table[0] + table[3], table[1] + table[2]], rtol=1e-6)


SEQUENCE = 'input_names: "x" feature_type: SequenceFeature embedding_dim: 3 num_buckets: 6 '
ATTENTION = SEQUENCE + "sequence_combiner { attention {} }"
TEXT_CNN = (
    SEQUENCE + "sequence_combiner { text_cnn { filter_sizes: [1, 2] num_filters: [4, 5] "
    "pad_sequence_length: 4 } }"
)


def test_attention_is_a_softmax_over_the_steps_that_are_there() -> None:
    made = embeddings(ATTENTION)
    table, (layer,) = one_table(made), made.keras_layers
    kernel = np.asarray(layer.kernel)
    rows = [[1, 2, 2], [], [5]]
    want = []
    for row in rows:
        vectors = table[row] if row else np.zeros((0, 3))
        scores = np.exp(vectors @ kernel)
        want.append((scores / scores.sum() * vectors).sum(axis=0) if row else np.zeros(3))
    np.testing.assert_allclose(field(made, Steps(ragged(rows))), want, rtol=1e-5)


def test_attention_survives_large_scores() -> None:
    made = embeddings(ATTENTION)
    made.keras_layers[0].kernel.assign(np.full((3, 1), 1e6))
    assert np.isfinite(field(made, Steps(ragged([[1, 2], []])))).all()


def test_attention_weights_derive_from_the_seed() -> None:
    kernels = [np.asarray(embeddings(ATTENTION, seed=s).keras_layers[0].kernel) for s in (1, 1, 2)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])


def test_text_cnn_gives_the_largest_responses() -> None:
    made = embeddings(TEXT_CNN)
    assert made.widths("all") == [9]
    rows = [[1, 2, 3, 4, 5, 0], [], [5]]
    got = field(made, Steps(ragged(rows)))
    assert got.shape == (3, 9)
    (layer,) = made.keras_layers
    padded = np.zeros((3, 4, 3), np.float32)
    for b, row in enumerate(rows):
        padded[b, : len(row[:4])] = one_table(made)[row[:4]]
    # A filter of width 1 is a dense layer at each step.
    kernel = np.asarray(layer.kernels[0])[0]
    np.testing.assert_allclose(got[:, :4], np.maximum(padded @ kernel, 0).max(axis=1), rtol=1e-5)


def test_text_cnn_with_dense_layers() -> None:
    body = SEQUENCE + (
        "sequence_combiner { text_cnn { filter_sizes: 2 num_filters: 4 pad_sequence_length: 4 "
        "mlp { hidden_units: [8, 6] } } }"
    )
    made = embeddings(body)
    assert made.width("all") == 6
    assert field(made, Steps(ragged([[1], []]))).shape == (2, 6)


def test_two_combiners_have_layers_of_their_own() -> None:
    made = embeddings(ATTENTION, groups={"user": ["x"], "item": ["x"]})
    assert len({layer.name for layer in made.keras_layers}) == 2


def test_a_model_trains_the_combiners_weights() -> None:
    made = embeddings(ATTENTION, groups={"user": ["x"], "item": ["x"]})

    class Plain(Model):
        __call__ = losses = serve = None  # type: ignore[assignment]

    trained = Plain(config_of(ATTENTION), made, 1).trainable
    assert set(trained) == {
        "user/x/embedding",
        "item/x/embedding",
        "user_x_attention/kernel",
        "item_x_attention/kernel",
    }


def test_a_sequence_without_combiner_gives_its_steps() -> None:
    made = embeddings(SEQUENCE)
    steps, lengths = made.sequence("all", "x", {"x": Steps(ragged([[1, 2], []]))})
    assert lengths.numpy().tolist() == [2, 0]
    table = one_table(made)
    np.testing.assert_array_equal(steps, [table[[1, 2]], np.zeros((2, 3))])


def test_steps_of_several_ids_are_pooled() -> None:
    made = embeddings(ATTENTION + ' combiner: "mean"')
    value = Steps(tf.ragged.constant([[[1, 3], [2]], []], tf.int64))
    steps, _ = made.sequence("all", "x", {"x": value})
    table = one_table(made)
    np.testing.assert_allclose(steps[0], [(table[1] + table[3]) / 2, table[2]], rtol=1e-6)


def test_steps_of_numbers() -> None:
    raw = 'input_names: "x" feature_type: SequenceFeature sub_feature_type: RawFeature '
    raw += "sequence_combiner { attention {} } "
    numbers = tf.RaggedTensor.from_row_lengths(tf.constant([[1.0], [2.0], [3.0]]), [2, 0, 1])
    made = embeddings(raw)
    got = field(made, DenseSteps(numbers))
    assert got.shape == (3, 1)
    assert 1 < got[0, 0] < 2
    np.testing.assert_allclose(got[1:], [[0.0], [3.0]])
    made = embeddings(raw + "embedding_dim: 3")
    steps, _ = made.sequence("all", "x", {"x": DenseSteps(numbers)})
    np.testing.assert_allclose(steps[0], [[1.0], [2.0]] @ one_table(made), rtol=1e-6)


CASES = {
    "ids": (f'input_names: "x" {ID}', Ids(tf.constant([-1, 2, 2], tf.int64)), {2}),
    "tags": (TAG, Bags(ragged([[1, 1], [], [4]])), {1, 4}),
    "weighted": (
        TAG + 'combiner: "mean"',
        Bags(ragged([[1], [4]]), ragged([[2.0], [0.5]], tf.float32)),
        {1, 4},
    ),
    "numbers": (
        'input_names: "x" feature_type: RawFeature embedding_dim: 3 raw_input_dim: 2',
        Dense(tf.constant([[1.0, 2.0]])),
        {0, 1},
    ),
    "attention": (ATTENTION, Steps(ragged([[3, 3], []])), {3}),
    "text_cnn": (TEXT_CNN, Steps(ragged([[3, 5], []])), {3, 5}),
}


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_rows_that_were_looked_up(case: str) -> None:
    body, value, looked_up = CASES[case]
    made = embeddings(body)
    (table,) = made.tables.values()

    @tf.function
    def gradient() -> Any:
        with tf.GradientTape() as tape:
            (vectors,) = made("all", {"x": value})
            loss = tf.reduce_sum(vectors * tf.range(1.0, vectors.shape[1] + 1))
        slices = tape.gradient(loss, table)
        assert isinstance(slices, tf.IndexedSlices)
        return slices.indices, tf.convert_to_tensor(slices)

    indices, dense = gradient()
    assert set(indices.numpy().tolist()) == looked_up
    assert dense.shape == table.shape


def test_gradient_of_pooling_by_finite_differences() -> None:
    made = embeddings(TAG + 'combiner: "sqrtn"')
    (table,) = made.tables.values()
    value = Bags(ragged([[1, 1, 2], [], [2]]), ragged([[0.5, 2.0, 1.0], [], [3.0]], tf.float32))

    def loss() -> tf.Tensor:
        return tf.reduce_sum(tf.square(made("all", {"x": value})[0]))

    with tf.GradientTape() as tape:
        now = loss()
    got = tf.convert_to_tensor(tape.gradient(now, table)).numpy()
    start, step = table.numpy(), 1e-2
    for row, column in ((1, 0), (2, 2), (3, 1)):
        moved = []
        for sign in (1, -1):
            changed = start.copy()
            changed[row, column] += sign * step
            table.assign(changed)
            moved.append(float(loss()))
        table.assign(start)
        np.testing.assert_allclose((moved[0] - moved[1]) / (2 * step), got[row, column], atol=1e-3)


def test_shared_table_has_one_gradient_of_all_its_uses() -> None:
    shared = f'{ID} embedding_name: "t"'
    made = embeddings(f'input_names: "a" {shared}', f'input_names: "b" {shared}')
    (table,) = made.tables.values()
    assert list(made.tables) == ["shared/t/embedding"]
    values = {"a": Ids(tf.constant([1], tf.int64)), "b": Ids(tf.constant([2], tf.int64))}
    with tf.GradientTape() as tape:
        loss = tf.add_n([tf.reduce_sum(vector) for vector in made("all", values)])
    slices = tape.gradient(loss, table)
    assert isinstance(slices, tf.IndexedSlices)
    assert sorted(slices.indices.numpy().tolist()) == [1, 2]


@pytest.mark.parametrize("case", CASES)
def test_no_rows(case: str) -> None:
    body, value, _ = CASES[case]
    made = embeddings(body)
    empty = tf.nest.map_structure(lambda part: None if part is None else part[:0], value)
    assert field(made, empty).shape == (0, made.width("all"))


def test_widths_are_those_of_the_vectors() -> None:
    bodies = (
        f'input_names: "a" {ID}',
        'input_names: "r" feature_type: RawFeature raw_input_dim: 2',
        'feature_name: "e" input_names: "r" feature_type: ExprFeature expression: "r"',
    )
    made = embeddings(*bodies)
    values = {
        "a": Ids(tf.constant([1], tf.int64)),
        "r": Dense(tf.zeros([1, 2])),
        "e": Dense(tf.zeros([1, 1])),
    }
    assert made.widths("all") == [vector.shape[1] for vector in made("all", values)] == [3, 2, 1]
    assert made.width("all") == 6
