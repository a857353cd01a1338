"""What the drawing of a backbone shows."""

from __future__ import annotations

import pytest

from easyrec_lite.config import load, loads
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.models.backbone.nodes import nodes
from tests.golden import CASES
from tests.models.backbone.building import TEXT as TEXT_OF_CONFIG
from tests.models.backbone.building import pipeline

TEXT = """
packages { name: "p" blocks { name: "in" inputs { use_package_input: true } } }
blocks { name: "last" inputs { block_name: "fields" }
         lambda { expression: "lambda x: x[0] * (1 if 1 < 2 else 3)" } }
blocks { name: "fields" inputs { feature_group_name: "ab" }
         input_layer { output_2d_tensor_and_feature_list: true } }
blocks { name: "mlp" inputs { package_name: "p" package_input: "c" }
         keras_layer { class_name: "MLP" mlp { hidden_units: 3 use_final_bias: true } } }
blocks { name: "steps" inputs { feature_group_name: "history" }
         input_layer { output_seq_and_normal_feature: true } }
concat_blocks: ["last", "mlp"]
"""


def test_nodes_follow_what_they_read() -> None:
    found = {node.name: node for node in nodes(pipeline(TEXT))}
    assert list(found) == ["@ab", "@c", "p/in", "fields", "last", "mlp"]
    assert found["fields"].shape == "([B, 8], 2 × [B, 4])"
    assert found["last"].reads == ("fields",)
    assert found["mlp"] == ("mlp", "MLP", ("p/in", "@c"), "[B, 3]", 2 * 3 + 3 + 2 * 3, "")


def test_lengths_of_sequences_are_shown_as_such() -> None:
    text = TEXT.replace('concat_blocks: ["last", "mlp"]', 'output_blocks: "steps"')
    assert nodes(pipeline(text))[-1].shape == "([B, L, 3], [B], [B, 2])"


def test_a_shared_table_counts_once_and_one_of_its_own_in_each_group() -> None:
    text = """
blocks { name: "one" inputs { feature_group_name: "ids" } }
blocks { name: "two" inputs { feature_group_name: "more" } }
concat_blocks: ["one", "two"]
"""
    size = "embedding_dim: 4 num_buckets:"
    config = TEXT_OF_CONFIG.format(backbone=text).replace(f"{size} 6", f"{size} 5")
    more = 'feature_groups { group_name: "more" feature_names: ["tags", "id"] }\n  backbone {'
    config = config.replace("backbone {", more)
    apart = {node.name: node.parameters for node in nodes(loads(config))}
    assert apart == {"@ids": 2 * 5 * 4, "@more": 2 * 5 * 4, "one": 0, "two": 0}
    shared = loads(config.replace(f"{size} 5", f'{size} 5 embedding_name: "t"'))
    once = {node.name: node.parameters for node in nodes(shared)}
    assert once == {"@ids": 5 * 4, "@more": 0, "one": 0, "two": 0}


def test_blocks_of_a_shipped_model_and_their_towers() -> None:
    config = load(str(CASES / "parallel_dssm" / "pipeline.config"))
    by_name = {node.name: node for node in nodes(config)}
    dcn = by_name["user_dcn"]
    assert (dcn.does, dcn.shape, dcn.parameters) == (
        "3 × Cross, recurrent",
        "[B, 176]",
        3 * (176 * 176 + 176),
    )
    for name, node in by_name.items():
        assert node.tower == ("user" if "user" in name else "item")


def test_what_both_towers_read_is_in_neither() -> None:
    text = """
blocks { name: "one" inputs { feature_group_name: "ab" } }
blocks { name: "two" inputs { block_name: "one" } }
blocks { name: "three" inputs { feature_group_name: "c" } }
blocks { name: "four" inputs { block_name: "three" } inputs { block_name: "one" } }
output_blocks: ["two", "four"]
"""
    towers = {node.name: node.tower for node in nodes(pipeline(text))}
    assert towers == {
        "@ab": "",
        "@c": "item",
        "one": "",
        "two": "",
        "three": "item",
        "four": "item",
    }


def test_refuses_a_config_without_a_backbone() -> None:
    config = load(str(CASES / "dat" / "pipeline.config"))
    with pytest.raises(ConfigError, match="no backbone"):
        nodes(config)
