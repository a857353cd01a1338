"""The drawings of a backbone."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

import pytest

from easyrec_lite.config import load, loads
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.models.backbone.draw import draw, nodes
from easyrec_lite.models.backbone.svg import HEIGHT, WIDTH, draw_svg, layout
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
    assert found["mlp"] == ("mlp", "MLP", ("p/in", "@c"), "[B, 3]", 2 * 3 + 3 + 2 * 3)


def test_lengths_of_sequences_are_shown_as_such() -> None:
    text = TEXT.replace('concat_blocks: ["last", "mlp"]', 'output_blocks: "steps"')
    assert nodes(pipeline(text))[-1].shape == "([B, L, 3], [B], [B, 2])"


def test_text_has_a_line_for_each_node_and_the_sum() -> None:
    lines = draw(pipeline(TEXT)).splitlines()
    assert len(lines) == 8
    assert lines[0].split() == ["block", "does", "reads", "shape", "parameters"]
    assert lines[5].split()[:2] == ["last", "lambda"]
    assert lines[-1].split() == ["15"]


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
    assert draw(shared).splitlines()[-1].split() == ["20"]


def test_svg_is_xml_with_a_box_for_each_node_and_a_line_for_each_input() -> None:
    root = ElementTree.fromstring(draw_svg(pipeline(TEXT)))
    space = "{http://www.w3.org/2000/svg}"
    titles = [title.text or "" for title in root.iter(f"{space}title")]
    assert [title.split(" | ")[0] for title in titles] == [
        "ab",
        "c",
        "p/in",
        "fields",
        "last",
        "mlp",
    ]
    assert "1 < 2" in titles[4]
    assert len(list(root.iter(f"{space}path"))) == 4


def test_boxes_do_not_overlap_and_stand_right_of_what_they_read() -> None:
    config = load(str(CASES / "parallel_dssm" / "pipeline.config"))
    found = nodes(config)
    corners = layout(found)
    for (ax, ay), (bx, by) in itertools.combinations(corners.values(), 2):
        assert abs(ax - bx) >= WIDTH or abs(ay - by) >= HEIGHT
    for node in found:
        assert all(corners[name][0] + WIDTH < corners[node.name][0] for name in node.reads)
    dcn = next(node for node in found if node.name == "user_dcn")
    assert (dcn.does, dcn.shape, dcn.parameters) == (
        "3 × Cross, recurrent",
        "[B, 176]",
        3 * (176 * 176 + 176),
    )


def test_refuses_a_config_without_a_backbone() -> None:
    config = load(str(CASES / "dat" / "pipeline.config"))
    with pytest.raises(ConfigError, match="no backbone"):
        draw(config)
