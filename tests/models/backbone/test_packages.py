"""Packages that read blocks of the backbone, draw at random, and feed losses."""

from __future__ import annotations

import numpy as np
import pytest

from easyrec_lite.models.backbone.nodes import nodes
from easyrec_lite.models.backbone.parse import parse_backbone
from tests.models.backbone.building import compiled, pipeline, problems
from tests.models.backbone.test_padding import FIRST_TOKEN, SEQUENCE, Rows, bst, expression

ENCODER = f"""
packages {{ name: "encoder" blocks {{ name: "inner" inputs {{ use_package_input: true }}
  {bst(FIRST_TOKEN)} }} }}
"""
MAIN = """
blocks { name: "main" inputs { package_name: "encoder" package_input: "plain" } }
blocks { name: "plain" inputs { block_name: "seq" input_slice: "[:2]" } }
output_blocks: "main"
"""


def augment(name: str, rates: str = "") -> str:
    """Returns a package that changes the sequence of the backbone's own block."""
    return f"""packages {{ name: "{name}" blocks {{
      name: "{name}_aug" inputs {{ block_name: "seq" input_slice: "[:2]" }}
      keras_layer {{ class_name: "SeqAugment" seq_aug {{ {rates} }} }} }} }}"""


def views(*given: str, kind: str = "l2_loss") -> str:
    """Returns a block that compares the encoder's results for two packages or blocks."""
    inputs = " ".join(f'inputs {{ package_name: "encoder" package_input: "{n}" }}' for n in given)
    return f"""blocks {{ name: "views" {inputs} merge_inputs_into_list: true
      keras_layer {{ class_name: "AuxiliaryLoss" st_params {{ fields {{
        key: "loss_type" value {{ string_value: "{kind}" }} }} }} }} }}"""


def backbone(*more: str) -> str:
    return SEQUENCE + ENCODER + MAIN + "".join(more)


def test_a_package_reads_a_block_of_the_backbone_and_feeds_another_package() -> None:
    text = backbone(augment("one"), views("one", "plain"))
    rows = Rows([1, 2, 3], 5)
    made = compiled(text)
    (loss,) = made.outputs(["views"], rows, training=False)
    assert float(loss) == 0  # Nothing is changed out of training, and the encoder is one.
    (loss,) = made.outputs(["views"], rows, training=True)
    assert float(loss) > 0
    names = [weight.path for weight in made.layers["encoder/inner"][0].trainable_weights]
    assert len(names) == len(set(names)) > 0
    assert list(made.graph.groups("views")) == ["history"]


def test_two_uses_of_a_package_draw_different_views() -> None:
    text = backbone(augment("one"), views("one", "one"))
    rows = Rows([1, 2, 3], 5)
    for training, equal in ((False, True), (True, False)):
        (loss,) = compiled(text).outputs(["views"], rows, training)
        assert (float(loss) == 0) == equal


def test_a_loss_is_no_output_and_is_computed_only_when_asked_for() -> None:
    text = backbone(augment("one"), views("one", "plain", kind="nce_loss"))
    graph, found = parse_backbone(pipeline(text))
    assert graph is not None
    assert found == []
    assert (graph.main.losses, graph.main.outputs) == (("views",), ("main",))
    assert graph.main.loss_name("views") == "views_nce_loss"
    made = compiled(text)
    (result,) = made.outputs(["main"], Rows([1, 2], 5), training=True)
    assert result.shape == (2, 4)
    assert not [each for each in made.layers_of("main") if "aug" in each.name]
    assert [each.name for each in made.layers_of("views") if "aug" in each.name] == ["one.one_aug"]
    assert {"views", "one/one_aug"} <= set(made.values(Rows([1, 2], 5), training=False))


def test_the_mask_of_a_crop_follows_its_own_lengths() -> None:
    crop = augment("one", "mask_rate: 0 crop_rate: 0 reorder_rate: 0")
    steps = ("x[0]", "x + 1.0", "tf.reduce_mean(x, axis=1)")
    layers = " ".join(f"layers {{ {expression(each)} }}" for each in steps)
    text = backbone(crop, f'blocks {{ name: "read" inputs {{ package_name: "one" }} {layers} }}')
    made = compiled(text.replace('output_blocks: "main"', 'output_blocks: "read"'))
    (found,) = made.outputs(["read"], Rows([1, 2], 5), training=True)
    np.testing.assert_array_equal(found, np.zeros((2, 3)))


def test_the_drawing_shows_what_a_package_reads() -> None:
    config = pipeline(backbone(augment("one"), views("one", "plain")))
    reads = {node.name: node.reads for node in nodes(config)}
    assert reads["one/one_aug"] == ("seq",)
    assert reads["views"] == ("encoder/inner", "one/one_aug", "plain")


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        (augment("one").replace('"seq"', '"seqq"'), "unknown block 'seqq'"),
        (views("one", "plain"), "unknown block 'one'"),
        (
            f'packages {{ name: "p" {views("plain", "plain")} }}',
            "gives a loss",
        ),
    ],
)
def test_wrong_packages(text: str, piece: str) -> None:
    assert piece in "\n".join(each.message for each in problems(backbone(text)))


def test_a_package_that_reads_a_block_that_uses_it_is_a_circle() -> None:
    text = (
        SEQUENCE
        + augment("one").replace('"seq"', '"user"')
        + ('blocks { name: "user" inputs { package_name: "one" } } output_blocks: "user"')
    )
    assert "circle" in "\n".join(each.message for each in problems(text))
