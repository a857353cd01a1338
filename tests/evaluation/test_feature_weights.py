"""SENet's average factors against numpy, by the layer's own weights and the features' vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyrec_lite.evaluation.feature_weights import feature_weights, write_feature_weights
from easyrec_lite.models.backbone.compiled import CompiledBackbone
from easyrec_lite.models.backbone.field_names import field_names
from easyrec_lite.models.retrieval.field_weights import find_weighted_fields
from tests.layers.test_senet import squeezed
from tests.models.backbone.building import compiled
from tests.models.retrieval.small import LISTWISE, SENET_TOWERS, batch, dssm, make

SENET = f'model_class: "DSSM_SENet" {LISTWISE} dssm_senet {{ {SENET_TOWERS} }}'
BACKBONE = """
model_class: "MatchModel" loss_type: SOFTMAX_CROSS_ENTROPY
backbone {
  blocks { name: "both" inputs { feature_group_name: "user" }
    input_layer { only_output_feature_list: true } }
  blocks { name: "user_senet" inputs { block_name: "both" }
    keras_layer { class_name: "SENet" senet { reduction_ratio: 2 } } }
  blocks { name: "user_out" inputs { block_name: "user_senet" }
    keras_layer { class_name: "MLP" mlp { hidden_units: [4] } } }
  blocks { name: "item_fibi"
    inputs { feature_group_name: "item" reset_input { only_output_feature_list: true } }
    keras_layer { class_name: "FiBiNet" fibinet { senet { reduction_ratio: 2 } } } }
  blocks { name: "item_out" inputs { block_name: "item_fibi" }
    keras_layer { class_name: "MLP" mlp { hidden_units: [4] } } }
  output_blocks: ["user_out", "item_out"]
}
model_params { }
"""


def expected(v: dict[str, np.ndarray], name: str, fields: list[np.ndarray], skip: bool) -> Any:
    """(mean, magnitude, spread, size) of each field, from all rows at once."""
    z = squeezed(fields, 2)
    hidden = np.maximum(z @ v[f"{name}/reduce/kernel"] + v[f"{name}/reduce/bias"], 0)
    factors = hidden @ v[f"{name}/excite/kernel"] + v[f"{name}/excite/bias"] + skip
    parts = np.split(factors, np.cumsum([field.shape[1] for field in fields])[:-1], axis=1)
    return [
        (
            part.mean(),
            np.abs(part).mean(),
            part.mean(axis=1).std(),
            np.sqrt(np.square(part * field).mean()),
        )
        for part, field in zip(parts, fields, strict=True)
    ]


@pytest.mark.parametrize(
    ("model", "layers", "skip"),
    [
        (SENET, ("user_senet", "item_senet"), False),
        (BACKBONE, ("user_senet", "item_fibi/senet"), True),
    ],
)
def test_averages_over_all_batches(model: str, layers: tuple[str, str], skip: bool) -> None:
    made = make(model)
    v = {name: variable.numpy() for name, variable in made.variables_by_name().items()}
    batches = [batch(sampled=0), batch(sampled=0)]
    found = feature_weights(made, iter(batches))
    assert [layer["tower"] for layer in found] == ["user", "item"]
    for layer, name in zip(found, layers, strict=True):
        group = layer["tower"]
        specs = made.embeddings.groups[group]
        fields = [
            np.concatenate([np.asarray(x) for x in parts])
            for parts in zip(
                *(made.embeddings(group, given.features) for given in batches), strict=True
            )
        ]
        assert [f["name"] for f in layer["features"]] == [spec.name for spec in specs]
        assert [f["dim"] for f in layer["features"]] == [spec.width for spec in specs]
        numbers = [
            [f[k] for k in ("mean", "magnitude", "spread", "size")] for f in layer["features"]
        ]
        np.testing.assert_allclose(numbers, expected(v, name, fields, skip), rtol=1e-4, atol=1e-6)


def test_watching_changes_nothing_and_ends() -> None:
    model = make(SENET)
    given = batch(sampled=0)
    before = model(given, training=False).predictions["user_tower_emb"]
    first = feature_weights(model, [given])
    np.testing.assert_array_equal(
        model(given, training=False).predictions["user_tower_emb"], before
    )
    assert feature_weights(model, [given]) == first


def test_a_model_without_senet_reads_no_rows_and_writes_no_file(tmp_path: Path) -> None:
    rows = iter([batch(sampled=0)])
    assert find_weighted_fields(dssm()) == []
    write_feature_weights(tmp_path, 3, dssm(), rows)
    assert list(tmp_path.iterdir()) == []
    assert next(rows) is not None


def test_the_file(tmp_path: Path) -> None:
    model = make(SENET)
    write_feature_weights(tmp_path, 3, model, [batch(sampled=0)])
    (file,) = tmp_path.iterdir()
    layers = feature_weights(model, [batch(sampled=0)])
    assert json.loads(file.read_text("utf-8")) == {"step": 3, "layers": layers}


READ = "only_output_feature_list: true"


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        (f'inputs {{ feature_group_name: "ab" reset_input {{ {READ} }} }}', ["a", "b"]),
        ('inputs { block_name: "list" }', ["a", "b"]),
        ('inputs { block_name: "deep" }', []),
        ('inputs { block_name: "list" input_fn: "lambda x: x[::-1]" }', []),
    ],
)
def test_names_of_a_block_s_fields(inputs: str, names: list[str]) -> None:
    backbone: CompiledBackbone = compiled(f"""
    blocks {{ name: "list" inputs {{ feature_group_name: "ab" }} input_layer {{ {READ} }} }}
    blocks {{ name: "deep" inputs {{ block_name: "list" }} lambda {{ expression: "lambda x: x" }} }}
    blocks {{ name: "out" {inputs} keras_layer {{ class_name: "SENet" senet {{ }} }} }}
    """)
    main = backbone.graph.main
    specs: Any = {"ab": tuple(_spec(name) for name in "ab")}
    assert field_names(main, main.blocks["out"], specs) == names


def _spec(name: str) -> Any:
    from types import SimpleNamespace

    return SimpleNamespace(name=name)
