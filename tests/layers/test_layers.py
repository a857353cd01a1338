"""Each layer against its formula in numpy, and what holds for all of them."""

from __future__ import annotations

import inspect
import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.core.errors import ConfigError
from tests.layers import own

RNG = np.random.default_rng(7)
MLP_ARGS = {"hidden_units": [5]}

ENCODER = {"hidden_size": 4, "num_attention_heads": 2, "intermediate_size": 5, "vocab_size": 7}

# class name → (arguments, shapes of its inputs without B; a tuple is one tensor; see `draw`)
CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "MLP": ({"hidden_units": [6, 4], "dropout_ratio": [0.1], "use_bias": True}, (3,)),
    "SENet": ({"reduction_ratio": 2}, [(4,), (2,)]),
    "FM": ({}, [(4,), (4,), (4,)]),
    "Cross": ({"projection_dim": 2, "diag_scale": 0.5}, [(4,), (4,)]),
    "CIN": ({"hidden_feature_sizes": [3, 2]}, (5, 4)),
    "DotInteraction": ({}, [(4,), (4,), (4,)]),
    "BiLinear": ({"num_output_units": 3, "use_plus": False}, [(4,), (2,), (3,)]),
    "FiBiNet": (
        {
            "senet": {"num_squeeze_group": 1},
            "bilinear": {"num_output_units": 3, "type": "all"},
            "mlp": MLP_ARGS,
        },
        [(4,), (4,)],
    ),
    "MaskBlock": ({"reduction_factor": 2.0, "input_layer_norm": True}, [(4,), (3,)]),
    "MaskNet": ({"mask_blocks": [{"aggregation_size": 3}] * 2, "mlp": MLP_ARGS}, (4,)),
    "Highway": ({"emb_size": 3, "num_layers": 2, "dropout_rate": 0.1}, (4,)),
    "Gate": ({"mlp": MLP_ARGS}, [(2,), (4,), (4,)]),
    "PeriodicEmbedding": ({"embedding_dim": 4, "sigma": 0.3}, (3,)),
    "AutoDisEmbedding": ({"embedding_dim": 4, "num_bins": 3, "temperature": 0.7}, (3,)),
    "NaryDisEmbedding": ({"embedding_dim": 4, "carries": [2, 10], "multiplier": 3.0}, (3,)),
    "Attention": ({"use_scale": True, "score_mode": "concat"}, [(2, 4), (3, 4)]),
    "MultiHeadAttention": ({"num_heads": 2, "key_dim": 3}, (3, 4)),
    "TextCNN": (
        {"filter_sizes": [2, 3], "num_filters": [3, 2], "pad_sequence_length": 4, "mlp": MLP_ARGS},
        (3, 4),
    ),
    "DIN": ({"attention_dnn": {"hidden_units": [3, 1]}}, [(3, 4), "lengths", (2,)]),
    "BST": (
        {
            "hidden_size": 6,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 5,
            "max_position_embeddings": 4,
        },
        [(3, 4), "lengths", (4,)],
    ),
    "MMoE": ({"num_task": 2, "num_expert": 3, "expert_mlp": MLP_ARGS}, (4,)),
    "AITMTower": ({"project_dim": 3, "transfer_mlp": MLP_ARGS}, [(4,), (2,), (2,)]),
    "PPNet": ({"mlp": {"hidden_units": [5, 3]}, "gate_params": {"hidden_dim": 4}}, [(4,), (2,)]),
    "TransformerBlock": (ENCODER, [(3, 4), "mask"]),
    "TransformerEncoder": ({**ENCODER, "num_hidden_layers": 2}, ["ids", "mask"]),
    "TextEncoder": ({"transformer": ENCODER}, ["ids", "mask"]),
}


def make(class_name: str, **more: Any) -> keras.layers.Layer:
    known = inspect.signature(LAYERS.get(class_name)).parameters
    seed = {"seed": 5} if "seed" in known else {}
    return LAYERS.get(class_name)(**{**CASES[class_name][0], **seed, **more}, name="layer")


def draw(shapes: Any, rows: int) -> Any:
    """Returns random inputs; `lengths`, `mask` and `ids` are of sequences of three steps."""
    if shapes == "lengths":
        return tf.constant(RNG.integers(0, 4, rows))
    if shapes == "mask":
        return tf.sequence_mask(draw("lengths", rows), 3)
    if shapes == "ids":
        return tf.constant(RNG.integers(0, 7, (rows, 3)))
    if isinstance(shapes, list):
        return [draw(shape, rows) for shape in shapes]
    return tf.constant(RNG.normal(size=(rows, *shapes)), tf.float32)


def flat(output: Any) -> list[tf.Tensor]:
    return tf.nest.flatten(output)


def randomise(layer: keras.layers.Layer) -> None:
    """Gives every weight a random value, so that zeros and ones hide nothing."""
    for weight in layer.weights:
        if weight.dtype == "float32":
            positive = "variance" in weight.name
            value = RNG.normal(size=weight.shape)
            weight.assign(np.abs(value) + 0.1 if positive else value)


def weights(layer: keras.layers.Layer) -> dict[str, np.ndarray]:
    return {weight.path.split("layer/", 1)[-1]: weight.numpy() for weight in layer.weights}


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def layer_norm(x: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    return scaled * w[f"{name}/gamma"] + w[f"{name}/beta"]


def batch_norm(x: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    scaled = (x - w[f"{name}/moving_mean"]) / np.sqrt(w[f"{name}/moving_variance"] + 1e-3)
    return scaled * w[f"{name}/gamma"] + w[f"{name}/beta"]


def softmax(x: np.ndarray) -> np.ndarray:
    grown = np.exp(x - x.max(-1, keepdims=True))
    return grown / grown.sum(-1, keepdims=True)


def check(layer: keras.layers.Layer, inputs: Any, expected: Any) -> None:
    np.testing.assert_allclose(layer(inputs).numpy(), expected, rtol=2e-5, atol=2e-5)


def run(class_name: str, rows: int = 3, **more: Any) -> tuple[Any, Any, Any]:
    """Returns a built layer with random weights, its inputs, and both as numpy."""
    layer = make(class_name, **more)
    inputs = draw(CASES[class_name][1], rows)
    layer(inputs)
    randomise(layer)
    return layer, inputs, tf.nest.map_structure(lambda each: each.numpy(), inputs)


def test_a_case_for_every_registered_layer() -> None:
    # Those two give no rows of vectors; tests/layers/test_contrastive.py has their properties.
    others = {"AuxiliaryLoss", "SeqAugment"}
    assert set(CASES) | others == {spec.name for spec in own.specs()}


@pytest.mark.parametrize("class_name", sorted(CASES))
def test_gradients_batches_and_names(class_name: str) -> None:
    layer = make(class_name)
    shapes = CASES[class_name][1]
    inputs = draw(shapes, 4)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = layer(inputs, training=True)
        loss = tf.add_n([tf.reduce_sum(part**2) for part in flat(output)])
    sources = [weight.value for weight in layer.trainable_weights]
    gradients = tape.gradient(loss, sources)
    missing = [w.path for w, g in zip(layer.trainable_weights, gradients, strict=True) if g is None]
    assert missing == []
    paths = [weight.path for weight in layer.weights if "seed" not in weight.name]
    assert len(set(paths)) == len(paths)
    assert all(path.startswith("layer/") for path in paths)
    for rows in (0, 1):
        for part, whole in zip(flat(layer(draw(shapes, rows))), flat(output), strict=True):
            assert part.shape == (rows, *whole.shape[1:])


@pytest.mark.parametrize("class_name", sorted(CASES))
def test_one_row_is_independent_of_the_others(class_name: str) -> None:
    layer, inputs, _ = run(class_name, rows=5)
    alone = layer(tf.nest.map_structure(lambda each: each[2:3], inputs))
    for part, whole in zip(flat(alone), flat(layer(inputs)), strict=True):
        np.testing.assert_allclose(part[0], whole[2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("class_name", sorted(CASES))
def test_same_seed_same_weights_and_other_seed_other_weights(class_name: str) -> None:
    made = []
    for seed in (1, 1, 2):
        if "seed" not in inspect.signature(LAYERS.get(class_name)).parameters:
            pytest.skip("has no weights")
        layer = make(class_name, seed=seed)
        layer(draw(CASES[class_name][1], 2))
        kernels = [w.numpy() for w in layer.trainable_weights if np.ptp(w.numpy()) > 0]
        made.append(np.concatenate([kernel.ravel() for kernel in kernels] or [np.zeros(0)]))
    np.testing.assert_array_equal(made[0], made[1])
    if made[0].size:
        assert not np.array_equal(made[0], made[2])


def problems(class_name: str, **more: Any) -> list[str]:
    """Returns the parameters that the layer's spec finds fault with."""
    arguments = {**CASES[class_name][0], **more}
    return [problem.path for problem in LAYERS.spec(class_name).check(arguments)]


@pytest.mark.parametrize("class_name", sorted(CASES))
def test_the_spec_finds_nothing_wrong_with_the_cases(class_name: str) -> None:
    assert problems(class_name) == []


@pytest.mark.parametrize("after", [False, True])
def test_mlp(after: bool) -> None:
    layer, inputs, x = run("MLP", use_bn_after_activation=after, final_activation="tanh")
    w = weights(layer)
    x = x @ w["layer_0/kernel"] + w["layer_0/bias"]
    x = batch_norm(relu(x), w, "layer_0/bn") if after else relu(batch_norm(x, w, "layer_0/bn"))
    x = x @ w["layer_1/kernel"]
    x = (
        batch_norm(np.tanh(x), w, "layer_1/bn")
        if after
        else np.tanh(batch_norm(x, w, "layer_1/bn"))
    )
    check(layer, inputs, x)


def test_mlp_defaults_have_no_biases_and_no_surprises() -> None:
    layer = LAYERS.get("MLP")(hidden_units=[3, 2], use_final_bn=False, name="m")
    layer(tf.zeros([2, 4]))
    names = [weight.path for weight in layer.weights]
    norm = [f"m/layer_0/bn/{part}" for part in ("gamma", "beta", "moving_mean", "moving_variance")]
    assert sorted(names) == sorted(["m/layer_0/kernel", "m/layer_1/kernel", *norm])


@pytest.mark.parametrize("ratios", [[0.1, 0.2, 0.3], [1.0], [-0.1, 0.2]])
def test_mlp_refuses_dropout_ratios(ratios: list[float]) -> None:
    assert problems("MLP", hidden_units=[3, 2], dropout_ratio=ratios) == ["dropout_ratio"]


def test_fm_is_the_sum_over_pairs() -> None:
    for variant in (False, True):
        layer, inputs, x = run("FM", use_variant=variant)
        pairs = sum(a * b for a, b in itertools.combinations(x, 2))
        expected = pairs if variant else pairs.sum(-1, keepdims=True)
        check(layer, inputs, expected)
        check(layer, tf.stack(inputs, axis=1), expected)


def test_cross_full_low_rank_and_alone() -> None:
    layer, inputs, (x0, x) = run("Cross")
    w = weights(layer)
    low = x @ w["project/kernel"] @ w["dense/kernel"] + w["dense/bias"]
    check(layer, inputs, x0 * (low + 0.5 * x) + x)
    layer, inputs, (x0, x) = run("Cross", projection_dim=None, diag_scale=0.0)
    w = weights(layer)
    check(layer, inputs, x0 * (x @ w["dense/kernel"] + w["dense/bias"]) + x)
    alone = x0 * (x0 @ w["dense/kernel"] + w["dense/bias"]) + x0
    check(layer, inputs[:1], alone)


def test_cin() -> None:
    layer, inputs, x = run("CIN")
    w = weights(layer)
    state, sums = x, []
    for k in range(2):
        new = np.einsum("hij,bid,bjd->bhd", w[f"kernel_{k}"], state, x)
        state = relu(new + w[f"bias_{k}"][None, :, None])
        sums.append(state.sum(-1))
    check(layer, inputs, np.concatenate(sums, -1))
    check(layer, tf.unstack(inputs, axis=1), np.concatenate(sums, -1))


def test_cin_never_holds_all_products_at_once() -> None:
    layer = make("CIN", hidden_feature_sizes=[16, 16])
    function = tf.function(layer).get_concrete_function(tf.TensorSpec([None, 11, 8], tf.float32))
    ranks = [
        tensor.shape.rank
        for operation in function.graph.get_operations()
        for tensor in operation.outputs
        if tensor.shape.rank is not None
    ]
    assert max(ranks) <= 4


def test_dot_interaction() -> None:
    layer, inputs, x = run("DotInteraction")
    pairs = [(1, 0), (2, 0), (2, 1)]
    check(layer, inputs, np.stack([(x[i] * x[j]).sum(-1) for i, j in pairs], -1))
    layer, inputs, x = run("DotInteraction", self_interaction=True)
    pairs = [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]
    check(layer, inputs, np.stack([(x[i] * x[j]).sum(-1) for i, j in pairs], -1))
    layer, inputs, x = run("DotInteraction", skip_gather=True)
    stack = np.stack(x, 1)
    matrix = np.tril(np.einsum("bid,bjd->bij", stack, stack), -1)
    check(layer, inputs, matrix.reshape(3, 9))


@pytest.mark.parametrize("kind", ["all", "each", "interaction"])
@pytest.mark.parametrize("plus", [False, True])
def test_bilinear(kind: str, plus: bool) -> None:
    layer = LAYERS.get("BiLinear")(num_output_units=2, type=kind, use_plus=plus, name="layer")
    inputs = draw([(4,), (4,), (4,)], 3)
    layer(inputs)
    randomise(layer)
    w, x = weights(layer), [each.numpy() for each in inputs]
    parts = []
    for i, j in [(0, 1), (0, 2), (1, 2)]:
        key = {"all": "kernel", "each": f"kernel_{i}", "interaction": f"kernel_{i}_{j}"}[kind]
        product = (x[i] @ w[key]) * x[j]
        parts.append(product.sum(-1, keepdims=True) if plus else product)
    check(layer, inputs, np.concatenate(parts, -1) @ w["dense/kernel"] + w["dense/bias"])


def test_fibinet_is_senet_beside_bilinear() -> None:
    layer, inputs, x = run("FiBiNet", mlp=None)
    w = weights(layer)
    squeezed = np.concatenate(
        [part for v in x for part in (v.max(-1)[:, None], v.mean(-1)[:, None])], -1
    )
    hidden = relu(squeezed @ w["senet/reduce/kernel"] + w["senet/reduce/bias"])
    shares = hidden @ w["senet/excite/kernel"] + w["senet/excite/bias"]
    fields = np.concatenate(x, -1)
    senet = layer_norm(fields * shares + fields, w, "senet/norm")
    product = ((x[0] @ w["bilinear/kernel"]) * x[1]).sum(-1, keepdims=True)
    bilinear = product @ w["bilinear/dense/kernel"] + w["bilinear/dense/bias"]
    check(layer, inputs, np.concatenate([senet, bilinear], -1))


def mask_block(x: np.ndarray, e: np.ndarray, w: dict[str, np.ndarray], at: str) -> np.ndarray:
    mask = relu(e @ w[f"{at}aggregation/kernel"] + w[f"{at}aggregation/bias"])
    mask = mask @ w[f"{at}mask/kernel"] + w[f"{at}mask/bias"]
    return relu(layer_norm((x * mask) @ w[f"{at}hidden/kernel"], w, f"{at}norm"))


def test_mask_block() -> None:
    layer, inputs, (x, e) = run("MaskBlock", output_size=6)
    w = weights(layer)
    check(layer, inputs, mask_block(layer_norm(x, w, "input_norm"), e, w, ""))
    assert w["aggregation/kernel"].shape == (3, 6)


def test_mask_block_of_low_rank() -> None:
    layer, inputs, (x, e) = run("MaskBlock", projection_dim=2, input_layer_norm=False)
    w = weights(layer)
    for part in ("aggregation", "mask", "hidden"):
        w[f"{part}/kernel"] = w[f"{part}_project/kernel"] @ w[f"{part}/kernel"]
        assert np.linalg.matrix_rank(w[f"{part}/kernel"]) == 2
    check(layer, inputs, mask_block(x, e, w, ""))


@pytest.mark.parametrize("parallel", [False, True])
def test_mask_net(parallel: bool) -> None:
    blocks = [{"aggregation_size": 3, "output_size": 5}, {"aggregation_size": 2, "output_size": 6}]
    layer, inputs, e = run("MaskNet", mask_blocks=blocks, use_parallel=parallel, mlp=None)
    w = weights(layer)
    x = layer_norm(e, w, "norm")
    if parallel:
        x = np.concatenate([mask_block(x, e, w, f"block_{i}/") for i in range(2)], -1)
    else:
        x = mask_block(mask_block(x, e, w, "block_0/"), e, w, "block_1/")
    check(layer, inputs, x)


def test_highway() -> None:
    layer = make("Highway")
    layer(draw((4,), 2))
    assert np.all(weights(layer)["gate_0/bias"] == -3)
    layer, inputs, x = run("Highway")
    w = weights(layer)
    x = x @ w["project/kernel"] + w["project/bias"]
    for i in range(2):
        gate = 1 / (1 + np.exp(-(x @ w[f"gate_{i}/kernel"] + w[f"gate_{i}/bias"])))
        new = relu(x @ w[f"transform_{i}/kernel"] + w[f"transform_{i}/bias"])
        x = gate * new + (1 - gate) * x
    check(layer, inputs, x)


def test_gate() -> None:
    layer, inputs, (g, a, b) = run("Gate", mlp=None)
    check(layer, inputs, g[:, :1] * a + g[:, 1:] * b)
    moved = make("Gate", mlp=None, weight_index=2)
    check(moved, [inputs[1], inputs[2], inputs[0]], g[:, :1] * a + g[:, 1:] * b)


def test_periodic_embedding() -> None:
    layer, inputs, x = run("PeriodicEmbedding", output_3d_tensor=True)
    w = weights(layer)
    angle = 2 * np.pi * x[:, :, None] * w["frequencies"]
    waves = np.concatenate([np.sin(angle), np.cos(angle)], -1)
    expected = relu(np.einsum("bfd,fde->bfe", waves, w["kernel"]) + w["bias"])
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-3, atol=1e-4)


def test_forms_of_numeric_embeddings() -> None:
    layer = make("PeriodicEmbedding", output_tensor_list=True)
    joined, vectors = layer(draw((3,), 2))
    assert joined.shape == (2, 12)
    np.testing.assert_array_equal(np.concatenate(vectors, -1), joined)


def test_auto_dis_embedding() -> None:
    layer, inputs, x = run("AutoDisEmbedding")
    w = weights(layer)
    hidden = x[:, :, None] * w["scale"]
    hidden = np.where(hidden > 0, hidden, 0.2 * hidden)
    logits = np.einsum("bfh,fhk->bfk", hidden, w["mix"]) + 0.8 * hidden
    expected = np.einsum("bfk,fkd->bfd", softmax(logits / 0.7), w["meta"])
    check(layer, inputs, expected.reshape(3, -1))


def digits(number: int, base: int) -> list[int]:
    found = [number % base]
    while number >= base:
        number //= base
        found.append(number % base)
    return found


@pytest.mark.parametrize("pooling", ["sum", "mean"])
@pytest.mark.parametrize("inter", ["concat", "sum", "mean"])
def test_nary_dis_embedding(pooling: str, inter: str) -> None:
    layer = make("NaryDisEmbedding", intra_ary_pooling=pooling, inter_ary_pooling=inter)
    numbers = np.array([[0.0, 1.4, -7.0], [1e12, -1e12, 33.3]], np.float32)
    layer(numbers)
    randomise(layer)
    w, width = weights(layer), 2 if inter == "concat" else 4
    expected = np.zeros([2, 3, 4])
    for row, field in itertools.product(range(2), range(3)):
        value = float(np.clip(np.round(np.float64(numbers[row, field]) * 3), 1 - 2**31, 2**31 - 1))
        vectors = []
        for base, positions in ((2, 31), (10, 10)):
            table = w[f"digits_{base}"].reshape(3, 2, positions, base, width)
            used = [
                table[field, int(value < 0), k, digit]
                for k, digit in enumerate(digits(int(abs(value)), base))
            ]
            vectors.append(np.sum(used, 0) if pooling == "sum" else np.mean(used, 0))
        joined = {"concat": np.concatenate, "sum": sum, "mean": lambda v: sum(v) / 2}[inter]
        expected[row, field] = joined(vectors)
    check(layer, numbers, expected.reshape(2, 12))


def test_nary_replicas_are_independent() -> None:
    layer = make("NaryDisEmbedding", num_replicas=2, output_3d_tensor=True)
    output = layer(tf.constant([[1.0, 2.0, 3.0]])).numpy()
    assert output.shape == (1, 6, 4)
    assert not np.allclose(output[0, 0], output[0, 1])


def test_attention_by_dot() -> None:
    layer, inputs, (q, v) = run("Attention", score_mode="dot", scale_by_dim=True, use_scale=False)
    scores = softmax(np.einsum("bqd,bld->bql", q, v) / 2)
    check(layer, inputs, scores @ v)


def test_attention_by_concat_with_scores_and_key() -> None:
    layer = make("Attention", return_attention_scores=True)
    q, v, k = draw([(2, 4), (3, 5), (3, 4)], 2)
    layer([q, v, k])
    randomise(layer)
    scale, factor = (
        weight.numpy()
        for weight in sorted(layer.weights, key=lambda w: w.path != "layer/attention/scale")
    )
    summed = np.tanh(scale * (q.numpy()[:, :, None] + k.numpy()[:, None])).sum(-1)
    expected = softmax(factor * summed)
    output, scores = layer([q, v, k])
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
    np.testing.assert_allclose(output, expected @ v.numpy(), rtol=1e-4, atol=1e-5)


def test_causal_attention_sees_no_later_step() -> None:
    for name in ("Attention", "MultiHeadAttention"):
        layer = make(name, use_causal_mask=True)
        x = draw((4, 4), 1)
        changed = tf.concat([x[:, :3], x[:, 3:] + 1], axis=1)
        np.testing.assert_allclose(layer(x)[:, :3], layer(changed)[:, :3], rtol=1e-5, atol=1e-6)


def test_multi_head_attention() -> None:
    layer, inputs, x = run("MultiHeadAttention")
    w = weights(layer)
    part = {
        name: np.einsum("bld,dhk->blhk", x, w[f"attention/{name}/kernel"])
        + w[f"attention/{name}/bias"]
        for name in ("query", "key", "value")
    }
    scores = softmax(np.einsum("bqhk,blhk->bhql", part["query"], part["key"]) / np.sqrt(3))
    mixed = np.einsum("bhql,blhk->bqhk", scores, part["value"])
    kernel = w["attention/attention_output/kernel"]
    expected = np.einsum("bqhk,hkd->bqd", mixed, kernel) + w["attention/attention_output/bias"]
    check(layer, inputs, expected)


def convolved(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    size = kernel.shape[0]
    count = x.shape[1] - size + 1
    steps = [np.einsum("bsd,sdf->bf", x[:, i : i + size], kernel) for i in range(count)]
    return relu(np.stack(steps, 1) + bias).max(1)


@pytest.mark.parametrize("length", [0, 3, 4, 6])
def test_text_cnn_pads_and_cuts(length: int) -> None:
    layer = make("TextCNN", mlp=None)
    layer(draw((3, 4), 2))
    randomise(layer)
    w, x = weights(layer), draw((length, 4), 2)
    fitted = np.pad(x.numpy(), [(0, 0), (0, 4), (0, 0)])[:, :4]
    parts = [convolved(fitted, w[f"kernel_{i}"], w[f"bias_{i}"]) for i in range(2)]
    check(layer, x, np.concatenate(parts, -1))


def test_text_cnn_ignores_steps_past_the_length() -> None:
    layer = make("TextCNN", mlp=None)
    x = draw((3, 4), 2)
    cut = tf.concat([x[:, :1], tf.zeros([2, 2, 4])], axis=1)
    check(layer, [x, tf.constant([1, 1])], layer(cut))


# class name, arguments, the parameter at fault; "" for one that is missing
WRONG = [
    ("CIN", {"hidden_feature_sizes": []}, ""),
    ("CIN", {"hidden_feature_sizes": [3, 0]}, "hidden_feature_sizes"),
    ("Cross", {"diag_scale": -1.0}, "diag_scale"),
    ("BiLinear", {"type": "some"}, "type"),
    ("FiBiNet", {"mlp": {"hidden_units": [2], "dropout_ratio": [2.0]}}, "mlp.dropout_ratio"),
    ("FiBiNet", {"bilinear": 3}, "bilinear"),
    ("MaskBlock", {"reduction_factor": None}, ""),
    ("MaskNet", {"mask_blocks": []}, ""),
    ("MaskNet", {"mask_blocks": [{"aggregation_size": 3}, {}]}, "mask_blocks[1]"),
    ("PeriodicEmbedding", {"embedding_dim": 3}, "embedding_dim"),
    ("AutoDisEmbedding", {"temperature": 0.0}, "temperature"),
    ("NaryDisEmbedding", {"carries": [1]}, "carries"),
    ("NaryDisEmbedding", {"carries": [2, 3, 10]}, "embedding_dim"),
    ("NaryDisEmbedding", {"intra_ary_pooling": "max"}, "intra_ary_pooling"),
    ("Attention", {"score_mode": "cosine"}, "score_mode"),
    ("MultiHeadAttention", {"num_heads": 0}, "num_heads"),
    ("TextCNN", {"num_filters": [1]}, "num_filters"),
    ("TextCNN", {"filter_sizes": [2, 5]}, "filter_sizes"),
    ("TextCNN", {"pad_sequence_length": 0}, "pad_sequence_length"),
    ("DIN", {"attention_dnn": {"hidden_units": [4, 2]}}, "attention_dnn.hidden_units"),
    ("DIN", {"attention_dnn": {}}, "attention_dnn"),
    ("MMoE", {"num_expert": 0}, "num_expert"),
    ("MMoE", {"num_task": None}, ""),
    ("AITMTower", {"transfer_mlp": {"hidden_units": [0]}}, "transfer_mlp.hidden_units"),
    ("PPNet", {"mode": "both"}, "mode"),
    ("PPNet", {"gate_params": {"dropout_rate": 1.0}}, "gate_params.dropout_rate"),
    ("PPNet", {"mlp": None}, ""),
    ("DIN", {"attention_normalizer": "tanh"}, "attention_normalizer"),
    ("BST", {"num_attention_heads": 4}, "num_attention_heads"),
    ("BST", {"target_item_position": "middle"}, "target_item_position"),
    ("BST", {"hidden_size": None}, ""),
    ("TransformerBlock", {"num_attention_heads": 3}, "num_attention_heads"),
    ("TransformerEncoder", {"hidden_size": 3, "num_attention_heads": 1}, "hidden_size"),
    ("TransformerEncoder", {"vocab_size": 0}, "vocab_size"),
    ("TextEncoder", {"transformer": {"hidden_size": 4}}, "transformer"),
    ("MLP", {"hidden_units": []}, ""),
]


@pytest.mark.parametrize(("class_name", "more", "parameter"), WRONG)
def test_the_spec_finds_wrong_arguments(
    class_name: str, more: dict[str, Any], parameter: str
) -> None:
    assert problems(class_name, **more) == [parameter]


REFUSED = [
    ("FM", {}, [(4,), (3,)]),
    ("FM", {}, (4,)),
    ("CIN", {}, [(4,), (3,)]),
    ("DotInteraction", {}, [(4,), (3,)]),
    ("Cross", {}, [(4,), (3,)]),
    ("Cross", {"kernel_initializer": "he"}, (4,)),
    ("BiLinear", {"type": "each"}, [(4,), (3,)]),
    ("BiLinear", {}, [(4,)]),
    ("Gate", {}, [(3,), (4,), (4,)]),
    ("Gate", {}, [(2,), (4,), (3,)]),
    ("Gate", {"weight_index": 5}, [(2,), (4,), (4,)]),
    ("NaryDisEmbedding", {}, (3, 4)),
    ("Attention", {}, (4,)),
    ("MultiHeadAttention", {}, [(3, 4)] * 4),
    ("TextCNN", {}, (4,)),
    ("DIN", {}, [(3, 4), "lengths", (5,)]),
    ("DIN", {}, [(3, 4), "lengths"]),
    ("MMoE", {}, [(4,), (4,)]),
    ("MMoE", {"expert_mlp": None}, (4,)),
    ("MMoE", {"expert_mlp": None}, [(4,), (3,), (4,), (2,)]),
    ("AITMTower", {}, [(4,), (2,), (3,)]),
    ("AITMTower", {}, (3, 4)),
    ("PPNet", {}, (4,)),
    ("PPNet", {"gate_params": {"output_dim": 3}}, [(4,), (2,)]),
    ("BST", {}, [(3, 4), "lengths", (3,)]),
    ("BST", {}, (3, 4)),
    ("TransformerBlock", {}, (3, 5)),
    ("TransformerEncoder", {}, (3, 4)),
    ("TextEncoder", {}, ["ids"]),
    ("MLP", {"activation": "rely"}, (4,)),
]


@pytest.mark.parametrize(("class_name", "more", "shapes"), REFUSED)
def test_a_layer_refuses_inputs_that_do_not_fit(
    class_name: str, more: dict[str, Any], shapes: Any
) -> None:
    with pytest.raises(ConfigError):
        make(class_name, **more)(draw(shapes, 2))
