"""Attention over the sequences of a group, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from easyrec_lite.config import Pipeline
from easyrec_lite.features.attention import aligned
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.features.transform import FeatureTransform
from tests.features.configs import config_of

D = 3
IDS = "hash_bucket_size: 20 embedding_dim: {dim}"
FEATURES = (
    f"input_names: 'last' {IDS.format(dim=D)} embedding_name: 'item'",
    f"input_names: 'clicks' feature_type: SequenceFeature {IDS.format(dim=D)} "
    "embedding_name: 'item' drop_empty_steps: true",
    "input_names: 'times' feature_type: SequenceFeature num_buckets: 9 embedding_dim: 2",
    f"input_names: 'city' {IDS.format(dim=2)}",
)
DNN = "seq_dnn { hidden_units: [5, 1] use_bn: false activation: 'tanh' }"
ATTENTION = "seq_att_map { key: 'last' hist_seq: 'clicks' aux_hist_seq: 'times' }"
ROWS = {
    "last": ["a", "c", "", "b"],
    "clicks": ["a|b|c", "", "c", "b|é|a|10000000000000000000"],
    "times": ["1|2|8", "", "0", "3|3|1|4"],
    "city": ["x", "", "y", "x"],
}


def attended(body: str, names: tuple[str, ...] = ("city", "last")) -> Pipeline:
    """Returns a config whose group `user` has these features and an attention of this body."""
    pipeline = config_of(*FEATURES, groups={"user": list(names)})
    group = pipeline.config.model_config.feature_groups[0]
    text_format.Parse(f"group_name: 's' {body}", group.sequence_features.add())
    return pipeline


def columns(rows: dict[str, list[str]]) -> dict[str, tf.Tensor]:
    return {name: tf.constant(values, tf.string) for name, values in rows.items()}


def outputs(pipeline: Pipeline, rows: dict[str, list[str]], training: bool = False) -> Any:
    """Returns the embeddings and the group's vectors of some rows."""
    embeddings = GroupEmbeddings(pipeline, seed=3)
    values = FeatureTransform(pipeline)(columns(rows))
    return embeddings, embeddings.read("user", values, training)


def score(embeddings: GroupEmbeddings, compared: np.ndarray) -> np.ndarray:
    """Returns the score of [N, 4D] by the weights of the network."""
    for index, (kernel, bias) in enumerate(_dense(embeddings)):
        compared = compared @ kernel + bias
        compared = np.tanh(compared) if index == 0 else compared
    return compared[:, 0]


def _dense(embeddings: GroupEmbeddings) -> list[tuple[np.ndarray, np.ndarray]]:
    layer = embeddings.keras_layers[0]
    found = {variable.path.split("/", 1)[1]: variable.numpy() for variable in layer.variables}
    return [(found[f"dnn_{i}/kernel"], found[f"dnn_{i}/bias"]) for i in range(2)]


@pytest.mark.parametrize("need_key", [True, False])
def test_output_is_the_formula(need_key: bool) -> None:
    body = f"{ATTENTION} {DNN} need_key_feature: {str(need_key).lower()}"
    pipeline = attended(body)
    embeddings, read = outputs(pipeline, ROWS)
    values = FeatureTransform(pipeline)(columns(ROWS))
    items = embeddings.tables["shared/item/embedding"].numpy()
    times = embeddings.tables["user/sequence_features/times/embedding"].numpy()
    expected = []
    for row in range(4):
        key_id = int(values["last"].ids[row])
        key = items[key_id] if key_id >= 0 else np.zeros(D)
        steps = items[values["clicks"].ids[row].numpy()]
        extra = times[values["times"].ids[row].numpy()]
        pooled = np.zeros(D + 2)
        if len(steps):
            keys = np.repeat(key[None], len(steps), 0)
            scores = score(
                embeddings, np.concatenate([keys, steps, keys - steps, keys * steps], axis=1)
            )
            weights = np.exp(scores - scores.max())
            weights /= weights.sum()
            pooled = np.concatenate([weights @ steps, weights @ extra])
        expected.append(np.concatenate([pooled, key]) if need_key else pooled)
    np.testing.assert_allclose(read.fields[2], np.array(expected), atol=1e-6)
    assert embeddings.widths("user") == [2, D, D + 2 + D * need_key]
    assert embeddings.field_names("user") == ["city", "last", "s"]


def test_regularised_are_fields_searched_keys_and_steps() -> None:
    own = outputs(attended(f"{ATTENTION} {DNN}"), ROWS)[1]
    assert [tuple(each.shape) for each in own.looked_up] == [(4, 2), (4, D), (8, D)]
    searched = outputs(attended(f"{ATTENTION} {DNN}", names=("city",)), ROWS)[1]
    assert [tuple(each.shape) for each in searched.looked_up] == [(4, 2), (4, D), (8, D)]
    assert len(searched.fields) == 2


@pytest.mark.parametrize(
    ("key", "option", "width"),
    [
        ("city", "allow_key_transform: true", D),
        ("city", "allow_key_transform: true transform_dnn: true", D),
        ("last", "allow_key_transform: true transform_dnn: true", D),
    ],
)
def test_keys_of_other_widths(key: str, option: str, width: int) -> None:
    body = f"seq_att_map {{ key: '{key}' hist_seq: 'clicks' }} {DNN} {option}"
    embeddings, read = outputs(attended(body), ROWS)
    assert read.fields[2].shape == (4, D + width)
    if "transform_dnn" not in option:
        np.testing.assert_array_equal(read.fields[2][:, D : D + 2], read.fields[0])
        np.testing.assert_array_equal(read.fields[2][:, D + 2 :], np.zeros((4, 1)))
    else:
        names = {layer.name for layer in embeddings.keras_layers}
        assert names >= {"user_s_attention_key", "user_s_attention_history"}


def test_a_row_is_the_same_alone_and_beside_longer_ones() -> None:
    pipeline = attended(f"{ATTENTION} seq_dnn {{ hidden_units: [5, 1] }}")
    embeddings = GroupEmbeddings(pipeline, seed=3)
    transform = FeatureTransform(pipeline)
    together = embeddings("user", transform(columns(ROWS)))[2].numpy()
    for row in range(4):
        alone = {name: values[row : row + 1] for name, values in ROWS.items()}
        (vector,) = embeddings("user", transform(columns(alone)))[2].numpy()
        np.testing.assert_allclose(vector, together[row], atol=1e-6)


def test_batch_norm_in_training_counts_padding() -> None:
    """As in EasyRec: the first moments are of all B · L steps, those of padding the key's own."""
    pipeline = attended(f"{ATTENTION} seq_dnn {{ hidden_units: [5, 1] }}")
    embeddings, _ = outputs(pipeline, ROWS, training=True)
    values = FeatureTransform(pipeline)(columns(ROWS))
    items = embeddings.tables["shared/item/embedding"].numpy()
    compared = []
    for row in range(4):
        key_id = int(values["last"].ids[row])
        key = items[key_id] if key_id >= 0 else np.zeros(D)
        steps = np.zeros((4, D))
        ids = values["clicks"].ids[row].numpy()
        steps[: len(ids)] = items[ids]
        compared += [np.concatenate([key, step, key - step, key * step]) for step in steps]
    (layer,) = embeddings.keras_layers
    found = {variable.path.split("/", 1)[1]: variable.numpy() for variable in layer.variables}
    mean = (np.array(compared) @ found["dnn_0/kernel"] + found["dnn_0/bias"]).mean(axis=0)
    np.testing.assert_allclose(found["dnn_0/bn/moving_mean"], 0.01 * mean, atol=1e-7)


@pytest.mark.parametrize("training", [True, False])
def test_no_rows_and_no_steps(training: bool) -> None:
    pipeline = attended(f"{ATTENTION} {DNN}")
    none = {name: values[:0] for name, values in ROWS.items()}
    assert outputs(pipeline, none, training)[1].fields[2].shape == (0, 2 * D + 2)
    empty = {name: values[1:2] for name, values in ROWS.items()}
    vector = outputs(pipeline, empty, training)[1].fields[2].numpy()
    np.testing.assert_array_equal(vector[0, : D + 2], np.zeros(D + 2))
    assert np.isfinite(vector).all()


def test_unequal_sequences_are_refused_in_training_and_cut_when_served() -> None:
    pipeline = attended(f"{ATTENTION} {DNN}")
    transform = FeatureTransform(pipeline)
    rows = {**ROWS, "times": ["1|2", "", "0", "3|3|1|4|5"]}
    with pytest.raises(tf.errors.InvalidArgumentError):
        transform(columns(rows))
    (expected,) = [
        each for each in transform.expectations(columns(rows)) if "steps" in each.message
    ]
    assert expected.met.numpy().tolist() == [False, True, True, False]
    assert expected.fields == ("clicks", "times")
    embeddings = GroupEmbeddings(pipeline, seed=3)
    served = embeddings("user", transform.forgiving(columns(rows)))[2].numpy()
    right = embeddings("user", transform(columns(ROWS)))[2].numpy()
    np.testing.assert_allclose(served[3], right[3], atol=1e-6)


def test_aligned_cuts_and_fills() -> None:
    first = tf.RaggedTensor.from_row_lengths(tf.zeros([4, 1]), [1, 0, 3])
    other = tf.RaggedTensor.from_row_lengths(tf.constant([[1.0], [2.0], [3.0], [4.0]]), [2, 1, 1])
    assert aligned(other, first).values.numpy().tolist() == [[1.0], [4.0], [0.0], [0.0]]


def test_an_empty_cell_is_a_step_unless_dropped() -> None:
    kept = config_of(
        "input_names: 'x' feature_type: SequenceFeature hash_bucket_size: 9 embedding_dim: 2"
    )
    dropped = config_of(
        "input_names: 'x' feature_type: SequenceFeature hash_bucket_size: 9 "
        "embedding_dim: 2 drop_empty_steps: true"
    )
    given = {"x": tf.constant(["", "a||b", "|"])}
    empty = int(tf.strings.to_hash_bucket_fast([""], 9)[0])
    found = FeatureTransform(kept)(given)["x"].ids.to_list()
    assert [len(row) for row in found] == [1, 3, 2]
    assert found[0] == [empty]
    assert found[1][1] == empty
    assert found[2] == [empty, empty]
    assert [len(row) for row in FeatureTransform(dropped)(given)["x"].ids.to_list()] == [0, 2, 0]
