"""What is said about wrong graphs, without TensorFlow; and what the graph knows of itself."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easyrec_lite.models.backbone.order import order
from easyrec_lite.models.backbone.parse import parse_backbone
from tests.models.backbone.building import pipeline, problems

GROUP = 'inputs { feature_group_name: "ab" }'

WRONG = {
    'blocks { name: "x" }': "block 'x' has no inputs",
    'blocks { name: "x" inputs { feature_group_name: "ab" ignore_input: true } }': "no inputs",
    'blocks { name: "x" inputs { } }': "names nothing",
    f'blocks {{ name: "a/b" {GROUP} }}': "cannot be a block's name",
    f'blocks {{ name: "" {GROUP} }}': "cannot be a block's name",
    'blocks { name: "x" inputs { feature_group_name: "abd" } }': "unknown feature group 'abd'",
    f'blocks {{ name: "x" {GROUP} }} blocks {{ name: "y" inputs {{ block_name: "z" }} }}': (
        "unknown block 'z'"
    ),
    'blocks { name: "x" inputs { block_name: "ab" } }': "feature_group_name: it is a group",
    'blocks { name: "x" inputs { package_name: "p" } }': "unknown package 'p'",
    'blocks { name: "x" inputs { use_package_input: true } }': "in no package",
    f'blocks {{ name: "x" {GROUP} }} blocks {{ name: "x" {GROUP} }}': "two blocks are named 'x'",
    'blocks { name: "x" inputs { block_name: "x" } }': "circle",
    'blocks { name: "x" inputs { block_name: "y" } } blocks { name: "y" inputs { block_name: "x" } }': (  # noqa: E501
        "x → y → x"
    ),
    f'blocks {{ name: "x" {GROUP} }} output_blocks: "y"': "unknown block 'y'",
    f'blocks {{ name: "x" {GROUP} }} concat_blocks: "y"': "unknown block 'y'",
    f'blocks {{ name: "x" {GROUP} }} concat_blocks: "x" output_blocks: "x"': "both concat_blocks",
    "": "has no blocks",
    f'blocks {{ name: "x" {GROUP} keras_layer {{ class_name: "MPL" }} }}': "nearest:  MLP",
    f'blocks {{ name: "x" {GROUP} keras_layer {{ class_name: "MLP" }} }}': "with hidden_units",
    f'blocks {{ name: "x" {GROUP} keras_layer {{ class_name: "MLP" fm {{}} }} }}': (
        "MLP does not take its parameters from fm"
    ),
    f'blocks {{ name: "x" {GROUP} keras_layer {{ class_name: "Dense" mlp {{}} }} }}': "from mlp",
    f'blocks {{ name: "x" {GROUP} recurrent {{ num_steps: 2 keras_layer {{ class_name: "C" }} }} }}': (  # noqa: E501
        "unknown keras_layer class_name 'C'"
    ),
    f'blocks {{ name: "x" {GROUP} lambda {{ expression: "lambda x: x.y" }} }}': "attributes",
    f'blocks {{ name: "x" {GROUP} lambda {{ expression: "lambda x, y: x" }} }}': (
        "another number of arguments"
    ),
    f'blocks {{ name: "x" {GROUP} lambda {{ expression: "" }} }}': "not an expression",
    'blocks { name: "x" inputs { feature_group_name: "ab" input_fn: "x" } }': "unknown function 'x'",  # noqa: E501
    'blocks { name: "x" inputs { feature_group_name: "ab" input_slice: "1" } }': "index such as",
    f'blocks {{ name: "x" {GROUP} extra_input_fn: "eval" }}': "unknown function 'eval'",
    f'blocks {{ name: "x" {GROUP} repeat {{ num_repeat: 1 input_slice: "[j]" '
    'keras_layer { class_name: "FM" } } }': "unknown name 'j'",
    f'blocks {{ name: "x" {GROUP} layers {{ }} }}': "is empty",
    f'blocks {{ name: "x" {GROUP} raw_input {{}} layers {{ lambda {{ expression: "tf.abs" }} }} }}': (  # noqa: E501
        "both layers and a single raw_input"
    ),
    f'blocks {{ name: "x" {GROUP} {GROUP} input_layer {{}} }}': "reads one feature group",
    f'blocks {{ name: "x" {GROUP} }} top_mlp {{ hidden_units: 0 }}': "top_mlp.hidden_units",
    f'blocks {{ name: "x" {GROUP} input_layer {{ dropout_rate: 1 }} }}': "dropout_rate",
    f'blocks {{ name: "x" {GROUP} embedding_layer {{ embedding_dim: 3 combiner: "x" }} }}': (
        "unknown combiner 'x'"
    ),
    f'blocks {{ name: "x" {GROUP} input_layer {{ only_output_feature_list: true '
    "only_output_3d_tensor: true } }": "several forms",
    'blocks { name: "x" inputs { feature_group_name: "ab" package_input: "x" } }': (
        "goes with package_name alone"
    ),
    f'blocks {{ name: "y" {GROUP} }} blocks {{ name: "x" inputs {{ block_name: "y" '
    "reset_input {} } }": "for feature groups and packages",
    f'packages {{ name: "p" blocks {{ name: "x" {GROUP} }} }} blocks {{ name: "y" inputs {{ '
    'package_name: "p" package_input: "z" } }': "unknown block 'z'",
    'packages { name: "p" blocks { name: "x" inputs { package_name: "q" } } }'
    'packages { name: "q" blocks { name: "x" inputs { package_name: "p" } } }'
    f'blocks {{ name: "x" {GROUP} }}': "packages use each other",
    f'packages {{ name: "p" blocks {{ name: "x" {GROUP} }} }}'
    f'packages {{ name: "p" blocks {{ name: "x" {GROUP} }} }}'
    f'blocks {{ name: "x" {GROUP} }}': "two packages are named 'p'",
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_names_what_is_wrong_and_where(text: str) -> None:
    config = pipeline("\n\n" + text)
    graph, found = parse_backbone(config)
    assert graph is None
    assert WRONG[text] in "\n".join(map(str, found))
    assert all(problem.place.line > 0 and problem.path for problem in found)


def test_all_problems_at_once() -> None:
    found = problems(
        'blocks { name: "x" } blocks { name: "x" inputs { block_name: "z" } }\n output_blocks: "w"'
    )
    assert len(found) == 4


def test_warns_about_a_block_without_use() -> None:
    text = f'blocks {{ name: "x" {GROUP} }} blocks {{ name: "y" {GROUP} }} output_blocks: "x"'
    (problem,) = problems(text)
    assert problem.severity == "warning"
    assert "'y' feeds no output" in problem.message


def test_needs_no_tensorflow() -> None:
    code = (
        "import sys, easyrec_lite.models.backbone.parse, easyrec_lite.config\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


TOWERS = """
packages {
  name: "deep"
  blocks { name: "in" inputs { use_package_input: true } }
  blocks { name: "own" inputs { feature_group_name: "c" } inputs { block_name: "in" } }
}
blocks { name: "user_in" inputs { feature_group_name: "ab" } }
blocks { name: "user" inputs { package_name: "deep" package_input: "user_in" } }
blocks { name: "item_in" inputs { feature_group_name: "abc" } }
blocks { name: "item" inputs { block_name: "item_in" }
         inputs { block_name: "user" ignore_input: true } }
output_blocks: ["user", "item", "ids"]
"""


def test_groups_behind_an_output_with_the_way_to_them() -> None:
    graph, _ = parse_backbone(pipeline(TOWERS))
    assert graph is not None
    assert graph.groups("user") == {
        "ab": "user ← deep ← user_in ← ab",
        "c": "user ← deep/own ← c",
    }
    assert graph.groups("item") == {"abc": "item ← item_in ← abc"}
    assert graph.groups("ids") == {"ids": "ids"}


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef"))))
@settings(max_examples=200, deadline=None)
def test_order_or_a_true_circle(reads: dict[str, set[str]]) -> None:
    edges = {name: sorted(needs & set(reads)) for name, needs in reads.items()}
    names, circle = order(edges)
    assert sorted(names) == sorted(edges)
    if circle:
        assert circle[0] == circle[-1]
        assert all(after in edges[before] for before, after in itertools.pairwise(circle))
    else:
        assert all(names.index(need) < names.index(name) for name in names for need in edges[name])
