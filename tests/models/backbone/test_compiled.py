"""What a compiled backbone computes, against numpy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS, register_layer
from easyrec_lite.core.errors import ConfigError
from tests.models.backbone.building import Groups, compiled, run

AB = 'inputs { feature_group_name: "ab" }'
C = 'inputs { feature_group_name: "c" }'


def same(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def block(body: str, name: str = "x") -> str:
    return f'blocks {{ name: "{name}" {body} }}\n'


def fn(expression: str) -> str:
    return f'lambda {{ expression: "{expression}" }}'


# What enters a block.


def test_a_group_is_its_concatenated_tensor() -> None:
    g = Groups()
    same(run(block(AB), g), g.ab)
    same(run(block(AB + C), g), np.concatenate([g.ab, g.c], -1))


def test_forms_of_an_input_layer() -> None:
    g = Groups()
    same(run(block(AB + "input_layer {}"), g), g.ab)
    output = 'output_blocks: "x"'
    (fields,) = run(block(AB + "input_layer { only_output_feature_list: true }") + output, g)
    same(fields[0], g.a)
    same(fields[1], g.b)
    (stack,) = run(block(AB + "input_layer { only_output_3d_tensor: true }") + output, g)
    same(stack, np.stack([g.a, g.b], 1))
    form = "input_layer { output_2d_tensor_and_feature_list: true }"
    ((joined, fields),) = run(block(AB + form) + output, g)
    same(joined, g.ab)
    same(fields, [g.a, g.b])


def test_reset_input_gives_a_group_in_another_form() -> None:
    g = Groups()
    text = """inputs { feature_group_name: "ab" reset_input { only_output_3d_tensor: true } }"""
    same(run(block(text), g), np.stack([g.a, g.b], 1))


def test_sequences_and_normal_features_apart() -> None:
    g = Groups()
    text = 'inputs { feature_group_name: "history" } input_layer { output_seq_and_normal_feature: true }'  # noqa: E501
    ((steps, lengths, other),) = run(block(text) + 'output_blocks: "x"', g)
    same(steps, g.steps)
    assert lengths.tolist() == [0, 1, 2]
    same(other, g.c)


def test_slice_comes_before_the_function() -> None:
    g = Groups()
    text = 'inputs { feature_group_name: "ab" input_slice: "[:, 1:3]" input_fn: "lambda x: [x, 2 * x]" }'  # noqa: E501
    (found,) = run(block(text) + 'output_blocks: "x"', g)
    same(found[0], g.ab[:, 1:3])
    same(found[1], 2 * g.ab[:, 1:3])


def test_merging() -> None:
    g = Groups()
    twice = 'inputs { feature_group_name: "ab" input_fn: "lambda x: [x, -x]" }'
    output = 'output_blocks: "x"'
    (lists,) = run(block(twice + twice) + output, g)
    same(lists, [g.ab, -g.ab, g.ab, -g.ab])
    (mixed,) = run(block(C + twice + C) + output, g)
    assert [each.shape for each in mixed] == [(3, 2), (3, 8), (3, 8), (3, 2)]
    (as_list,) = run(block(AB + C + "merge_inputs_into_list: true") + output, g)
    same(as_list[0], g.ab)
    same(as_list[1], g.c)
    (alone,) = run(block(AB + "merge_inputs_into_list: true") + output, g)
    same(alone, [g.ab])
    (rows,) = run(block(AB + AB + "input_concat_axis: 0") + output, g)
    same(rows, np.concatenate([g.ab, g.ab], 0))


def test_extra_input_fn_acts_on_the_merged_inputs() -> None:
    g = Groups()
    same(run(block(AB + C + 'extra_input_fn: "lambda x: x[:, ::-1]"'), g)[:, :2], g.c[:, ::-1])


def test_an_ignored_input_is_not_handed_on() -> None:
    g = Groups()
    text = block(AB) + block(C + 'inputs { block_name: "x" ignore_input: true }', "y")
    same(run(text, g), g.c)
    assert g.read == {"c"}


# What a block does.


def test_blocks_may_stand_in_any_order() -> None:
    g = Groups()
    text = block('inputs { block_name: "y" }' + fn("lambda x: x + 1")) + block(
        'inputs { block_name: "z" }' + fn("lambda x: x * 2"), "y"
    )
    same(run(text + block(AB, "z"), g), 2 * g.ab + 1)


def test_layers_in_sequence() -> None:
    g = Groups()
    text = AB + f"layers {{ {fn('lambda x: x * x')} }} layers {{ {fn('tf.math.sqrt')} }}"
    same(run(block(text), g), np.abs(g.ab))


def test_any_keras_layer_with_whole_numbers_as_ints() -> None:
    params = (
        'st_params { fields { key: "units" value { number_value: 3 } } '
        'fields { key: "kernel_initializer" value { string_value: "ones" } } }'
    )
    g = Groups()
    body = AB + f'keras_layer {{ class_name: "Dense" {params} }}'
    same(run(block(body), g), np.repeat(g.ab.sum(-1, keepdims=True), 3, -1))


def test_recurrent_makes_a_layer_each_step() -> None:
    g = Groups()
    body = (
        AB + "recurrent { num_steps: 3 keras_layer { class_name: 'MLP' mlp { hidden_units: 8 } } }"
    )
    backbone = compiled(block(body))
    layers = backbone.layers["x"]
    assert [layer.name for layer in layers] == ["x_0", "x_1", "x_2"]
    value = tf.constant(g.ab)
    for layer in layers:
        value = layer(value)
    same(backbone(g), value)


def test_recurrent_with_a_fixed_input_is_a_cross_network() -> None:
    g = Groups()
    body = (
        'inputs { feature_group_name: "ab" input_fn: "lambda x: [x, x]" }'
        'recurrent { num_steps: 2 fixed_input_index: 0 keras_layer { class_name: "Cross" } }'
    )
    backbone = compiled(block(body))
    x = g.ab
    for layer in backbone.layers["x"]:
        kernel, bias = (weight.numpy() for weight in layer.weights)
        x = g.ab * (x @ kernel + bias) + x
    same(backbone(g), x)


def test_recurrent_keeps_the_fixed_entry_in_its_place() -> None:
    g = Groups()
    body = (
        'inputs { feature_group_name: "ab" input_fn: "lambda x: [x, 2 * x, 3 * x]" }'
        'recurrent { num_steps: 2 fixed_input_index: 1 keras_layer { class_name: "Add" } }'
    )
    (found,) = run(block(body) + 'output_blocks: "x"', g)
    same(found, [14 * g.ab, 14 * g.ab])  # x, 2x, 3x → 6x, 2x, 6x → 14x, 2x, 14x


def test_repeat_with_the_number_of_the_copy() -> None:
    g = Groups()
    common = 'repeat { num_repeat: 2 keras_layer { class_name: "Identity" } '
    listed = 'inputs { feature_group_name: "ab" input_fn: "lambda x: [x, -x]" }'
    same(
        run(block(listed + common + 'input_slice: "[i]" output_concat_axis: 1 }'), g),
        np.concatenate([g.ab, -g.ab], 1),
    )
    (found,) = run(
        block(AB + common + 'input_fn: "lambda x, i: x * i" }') + 'output_blocks: "x"', g
    )
    same(found, [0 * g.ab, g.ab])
    once = 'repeat { num_repeat: 1 keras_layer { class_name: "Identity" } }'
    same(run(block(AB + once), g), g.ab)


def test_repeat_has_independent_weights() -> None:
    body = AB + "repeat { num_repeat: 2 keras_layer { class_name: 'MLP' mlp { hidden_units: 2 } } }"
    first, second = compiled(block(body)).layers["x"]
    assert not np.array_equal(first.kernels[0], second.kernels[0])


# Tables of a block's own.


def test_raw_input_gives_numbers_without_tables() -> None:
    g = Groups()
    same(run(block(AB + "raw_input {}"), g), g.ab)


@pytest.mark.parametrize("concat", [True, False])
def test_embedding_layer_looks_raw_ids_up(concat: bool) -> None:
    g = Groups()
    text = block('inputs { feature_group_name: "ids" } raw_input {}', "raw") + block(
        'inputs { block_name: "raw" } embedding_layer '
        f"{{ embedding_dim: 3 concat: {str(concat).lower()} }}"
    )
    backbone = compiled(text + 'output_blocks: "x"')
    (layer,) = backbone.layers["x"]
    one, many = (weight.numpy() for weight in layer.weights)
    assert (one.shape, many.shape) == ((5, 3), (6, 3))
    ids = np.stack([one[i] if i >= 0 else np.zeros(3) for i in g.ids])
    tags = np.stack([many[row].sum(0) if row else np.zeros(3) for row in g.tags[:3]])
    (found,) = backbone(g)
    if concat:
        same(found, np.concatenate([ids, tags], -1))
    else:
        same(found[0], ids)
        same(found[1], tags)


@pytest.mark.parametrize(
    "text",
    [
        block(AB + "embedding_layer { embedding_dim: 3 }"),
        block(
            'inputs { feature_group_name: "ids" } embedding_layer { embedding_dim: 3 vocab_size: 5 }'  # noqa: E501
        ),
    ],
)
def test_embedding_layer_refuses(text: str) -> None:
    with pytest.raises(ConfigError, match="block 'x'"):
        compiled(text)


# Packages.

PACKAGE = """
packages {
  name: "p"
  blocks { name: "in" inputs { use_package_input: true } }
  blocks { name: "mlp" inputs { block_name: "in" }
           keras_layer { class_name: "MLP" mlp { hidden_units: 3 } } }
}
blocks { name: "one" inputs { feature_group_name: "ab" } }
blocks { name: "x" inputs { package_name: "p" package_input: "one" } }
blocks { name: "y" inputs { package_name: "p" package_input: "ab"
                            package_input_fn: "lambda x: 2 * x" } }
output_blocks: ["x", "y"]
"""


def test_uses_of_a_package_share_its_weights() -> None:
    g = Groups()
    backbone = compiled(PACKAGE)
    (layer,) = backbone.layers["p/mlp"]
    assert layer.name == "p.mlp"
    x, y = backbone(g)
    same(x, layer(tf.constant(g.ab)))
    same(y, layer(tf.constant(2 * g.ab)))
    assert backbone.layers_of("x") == backbone.layers_of("y") == [layer]


def test_a_package_without_input_reads_groups_and_gives_its_leaves() -> None:
    g = Groups()
    package = f'packages {{ name: "p" {block(C, "u")} {block(AB, "v")} }}'
    same(run(package + block('inputs { package_name: "p" }'), g), np.concatenate([g.c, g.ab], -1))
    listed = package.replace("packages {", 'packages { output_blocks: ["v", "u"] ')
    use = 'inputs { package_name: "p" input_slice: "[1]" }'
    same(run(listed + block(use), g), g.c)


def test_reset_input_changes_the_forms_inside_a_package() -> None:
    g = Groups()
    package = f'packages {{ name: "p" {block(AB + "input_layer {}", "u")} }}'
    use = 'inputs { package_name: "p" reset_input { only_output_3d_tensor: true } }'
    text = package + block(use) + block('inputs { package_name: "p" }', "y")
    stack, joined = run(text + 'output_blocks: ["x", "y"]', g)
    same(stack, np.stack([g.a, g.b], 1))
    same(joined, g.ab)


def test_a_package_without_the_input_that_it_reads() -> None:
    text = PACKAGE.replace('package_input: "one"', "")
    with pytest.raises(ConfigError, match="block 'p/in': the package is used without"):
        compiled(text)


# What a backbone gives.


def test_outputs() -> None:
    g = Groups()
    two = block(AB) + block(C, "y") + block('inputs { block_name: "y" }' + fn("tf.abs"), "z")
    same(run(two, g), np.concatenate([g.ab, np.abs(g.c)], -1))
    same(run(two + 'concat_blocks: ["y", "x"]', g), np.concatenate([g.c, g.ab], -1))
    y, group = run(two + 'output_blocks: ["y", "ab"]', g)
    same(y, g.c)
    same(group, g.ab)


def test_top_mlp_is_on_the_concatenated_result() -> None:
    g = Groups()
    text = block(AB) + block(C, "y") + 'concat_blocks: ["x", "y"] top_mlp { hidden_units: 3 }'
    backbone = compiled(text)
    (top,) = backbone.layers["top_mlp"]
    same(backbone(g), top(tf.concat([g.ab, g.c], -1)))


def test_computes_only_what_an_output_needs() -> None:
    g = Groups()
    backbone = compiled(block(AB) + block(C, "y") + 'output_blocks: ["x", "y"]')
    (x,) = backbone.outputs(["x"], g, False)
    same(x, g.ab)
    assert g.read == {"ab"}


def test_works_in_a_graph_with_any_number_of_rows() -> None:
    backbone = compiled(block(AB + 'keras_layer { class_name: "MLP" mlp { hidden_units: 3 } }'))

    class Fed(Groups):
        def fields(self, group: str) -> list[tf.Tensor]:
            return self.given

    fed = Fed()

    @tf.function(input_signature=[tf.TensorSpec([None, 4])] * 2)
    def graph(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        fed.given = [a, b]
        return backbone(fed)

    for rows in (0, 1, 5):
        g = Groups(rows)
        same(graph(g.a, g.b), backbone(g))


def test_weights_depend_on_the_seed_alone() -> None:
    text = block(AB + 'keras_layer { class_name: "MLP" mlp { hidden_units: 3 } }')
    kernels = [compiled(text, seed).layers["x"][0].kernels[0].numpy() for seed in (1, 1, 2)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])


# Norms and dropout of an input layer.


def test_norms_of_an_input_layer_act_field_by_field() -> None:
    g = Groups(rows=50)
    found = run(block(AB + "input_layer { do_layer_norm: true }"), g)
    centred = g.b - g.b.mean(-1, keepdims=True)
    same(found[:, 4:], centred / np.sqrt(g.b.var(-1, keepdims=True) + 1e-3))
    found = run(block(AB + "input_layer { do_batch_norm: true }"), g, training=True)
    same(found, (g.ab - g.ab.mean(0)) / np.sqrt(g.ab.var(0) + 1e-3))


def test_dropout_of_an_input_layer() -> None:
    g = Groups(rows=500)
    text = block(AB + "input_layer { dropout_rate: 0.25 }")
    same(run(text, g), g.ab)
    found = run(text, g, training=True)
    kept = found != 0
    same(found[kept], (g.ab / 0.75)[kept])
    assert 0.7 < kept.mean() < 0.8


def test_feature_dropout_drops_fields_for_the_whole_batch() -> None:
    g = Groups()
    backbone = compiled(block(AB + "input_layer { feature_dropout_rate: 0.5 }"))
    same(backbone(g), g.ab)
    seen = set()
    for _ in range(40):
        found = backbone(g, training=True).numpy()
        parts = [found[:, :4], found[:, 4:]]
        for part, field in zip(parts, (g.a, g.b), strict=True):
            assert np.allclose(part, 0) or np.allclose(part, 2 * field, rtol=1e-5)
        seen.add(tuple(bool(part.any()) for part in parts))
    assert len(seen) == 4


# Errors name the block.


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        (
            block('inputs { feature_group_name: "abc" } keras_layer { class_name: "CIN" '
                  "cin { hidden_feature_sizes: 2 } }"),
            ["block 'x'", "model_config.backbone.blocks[0]"],
        ),
        (
            block('inputs { feature_group_name: "abc" } input_layer { only_output_3d_tensor: true }'),  # noqa: E501
            ["block 'x'", "one embedding_dim", "[4, 4, 2]"],
        ),
        (block(AB + fn("lambda x: x[0][0][0][0]")), ["block 'x'", "cannot compute", "expression"]),
        (
            block(AB + 'keras_layer { class_name: "Reshape" st_params { fields { key: '
                  '"target_shape" value { list_value { values { number_value: 3 } } } } } }'),
            ["block 'x'", "8", "3"],
        ),
        (
            block(AB + 'keras_layer { class_name: "Cross" st_params { fields { key: '
                  '"project_dim" value { number_value: 3 } } } }'),
            ["block 'x'", "unknown parameter 'project_dim'", "nearest:  projection_dim"],
        ),
        (
            block(AB + 'keras_layer { class_name: "Dense" st_params { fields { key: '
                  '"unit" value { number_value: 3 } } } }'),
            ["block 'x'", "unknown parameter 'unit'", "nearest:  units"],
        ),
        (
            block('inputs { feature_group_name: "history" }'),
            ["feature 'clicks'", "output_seq_and_normal_feature"],
        ),
        (
            block(AB + 'recurrent { num_steps: 1 fixed_input_index: 0 keras_layer { class_name: '
                  '"Cross" } }'),
            ["block 'x'", "hold fixed"],
        ),
        (
            block(AB + "layers { keras_layer { class_name: 'Identity' } } layers { " + fn("tf.abs")
                  + "}") + block(AB + "keras_layer { class_name: 'Identity' }", "x_0"),
            ["two layers are called 'x_0'"],
        ),
        (
            block(AB + 'input_layer { output_seq_and_normal_feature: true }'),
            ["group 'ab' has no sequences"],
        ),
    ],
)  # fmt: skip
def test_errors_name_the_block(text: str, pieces: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        compiled(text)
    report = str(caught.value)
    assert [piece for piece in pieces if piece not in report] == [], report
    assert "my.config:" in report


def test_a_layer_of_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Twice(keras.layers.Layer):
        def __init__(self, factor: float = 1, name: str | None = None):
            super().__init__(name=name)
            self.factor = factor

        def call(self, inputs: tf.Tensor) -> tf.Tensor:
            return 2 * self.factor * inputs

    for table in ("_specs", "_computations"):
        monkeypatch.setattr(LAYERS, table, dict(getattr(LAYERS, table)))
    register_layer("Twice")(Twice)
    g = Groups()
    params = 'st_params { fields { key: "factor" value { number_value: 1.5 } } }'
    same(run(block(AB + f'keras_layer {{ class_name: "Twice" {params} }}'), g), 3 * g.ab)
