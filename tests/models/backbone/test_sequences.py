"""What `check` finds wrong with the sequences that layers read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem
from easyrec_lite.data.rows.values import Steps
from easyrec_lite.models.backbone.embedding_layer import RawField
from easyrec_lite.models.backbone.parse import parse_backbone
from easyrec_lite.models.backbone.sequences import check_sequences
from tests.models.backbone.building import Groups, compiled, pipeline
from tests.models.backbone.test_padding import DIN, FIRST_TOKEN, SEQUENCE, bst, reading, transformer

ENCODER = {
    "hidden_size": 6,
    "num_attention_heads": 2,
    "intermediate_size": 4,
    "num_hidden_layers": 1,
    "vocab_size": 9,
}
BLOCK = 'blocks {{ name: "read" inputs {{ block_name: "seq" {part} }} {layer} }}'
# The group of the tests has a sequence of width 3 and other features of width 2.
RAW = 'blocks { name: "seq" inputs { feature_group_name: "words" } raw_input {} }'


def found(layer: str, part: str = "", source: str = SEQUENCE) -> list[Problem]:
    text = source + BLOCK.format(part=part, layer=layer)
    view = View(pipeline(text))
    backbone, problems = parse_backbone(view.pipeline)
    assert backbone is not None, problems
    return list(check_sequences(view, backbone))


def test_the_target_of_bst_is_as_wide_as_the_sequence() -> None:
    error, warning = found(bst(""))
    assert (error.path, error.severity) == (
        "model_config.backbone.blocks[1].keras_layer.bst",
        "error",
    )
    assert "'history'" in error.message
    assert "'read'" in error.message
    assert (error.expected[0], error.found) == ("3", "2")
    assert "[:2]" in error.remedy
    assert warning.severity == "warning"


def test_sequences_longer_than_the_positions_are_told() -> None:
    (problem,) = found(bst(""), 'input_slice: "[:2]"')
    assert problem.severity == "warning"
    assert problem.path.endswith("bst.max_position_embeddings")
    assert "first 6 steps" in problem.message
    assert problem.found == "no limit"


def test_din_reads_a_target() -> None:
    assert found(DIN) == []
    (problem,) = found(DIN, 'input_slice: "[:2]"')
    assert "no target" in problem.message


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (transformer("TransformerBlock"), "3,"),
        (transformer("TransformerEncoder", "vocab_size: 9"), "raw_input"),
        (transformer("TextEncoder", "vocab_size: 9"), "raw_input"),
    ],
)
def test_widths_and_tokens(layer: str, expected: str) -> None:
    layer = (
        layer.replace("intermediate", "vocab_size: 4 intermediate")
        if "vocab" not in layer
        else layer
    )
    (problem,) = found(layer, 'input_slice: "[0]"')
    assert expected in problem.expected


def test_an_encoder_knows_all_tokens() -> None:
    (problem,) = found(transformer("TextEncoder", "vocab_size: 8"), source=RAW)
    assert problem.path.endswith("text_encoder.transformer.vocab_size")
    assert (problem.expected, problem.found) == ("9 or more", "8")
    assert found(transformer("TransformerEncoder", "vocab_size: 9"), source=RAW) == []


def with_vocabulary(layer: str, ids: str) -> list[Problem]:
    """The problems of a layer that reads tokens whose ids are given by `ids`."""
    config = pipeline(RAW + BLOCK.format(part="", layer=layer))
    feature = next(f for f in config.config.feature_config.features if "clicks" in f.input_names)
    feature.ClearField("num_buckets")
    text_format.Merge(ids, feature)
    view = View(config)
    backbone, problems = parse_backbone(config)
    assert backbone is not None, problems
    return [*problems, *check_sequences(view, backbone)]


def test_markers_and_tokens_have_one_vocabulary(tmp_path: Path) -> None:
    file, other = tmp_path / "tokens.txt", tmp_path / "other.txt"
    for path in (file, other):
        path.write_text("[UNK]\n[CLS]\n[SEP]\nа\n", encoding="utf-8")
    hashed = transformer("TextEncoder", "vocab_size: 9")
    named = hashed.replace("text_encoder {", f'text_encoder {{ vocab_file: "{file}"')
    assert with_vocabulary(named, f'vocab_file: "{file}"') == []
    assert with_vocabulary(hashed, "hash_bucket_size: 9") == []
    (problem,) = with_vocabulary(named, f'vocab_file: "{other}"')
    assert problem.severity == "error"
    assert problem.path.endswith("text_encoder.vocab_file")
    assert str(file) in problem.expected
    assert problem.found == str(other)
    (problem,) = with_vocabulary(named, "hash_bucket_size: 9")
    assert (problem.severity, problem.found) == ("error", "hashes or numbers")
    for ids in (f'vocab_file: "{file}"', 'vocab_list: ["a", "b"]'):
        (problem,) = with_vocabulary(hashed, ids)
        assert problem.severity == "warning"
    (problem,) = with_vocabulary(
        named.replace("vocab_size: 9", "vocab_size: 3"), f'vocab_file: "{file}"'
    )
    assert (problem.expected, problem.found) == ("4 or more", "3")


@pytest.mark.parametrize(
    ("text", "severity", "words"),
    [
        (None, "error", ["cannot read", "one token a line"]),
        ("\n \n", "error", ["empty"]),
        ("[UNK]\n[SEP]\n", "warning", ["[CLS]", "id 0"]),
    ],
)
def test_a_vocabulary_is_looked_at(
    tmp_path: Path, text: str | None, severity: str, words: list[str]
) -> None:
    path = tmp_path / "tokens.txt"
    if text is not None:
        path.write_text(text)
    arguments = {"transformer": ENCODER, "vocab_file": str(path)}
    (problem,) = LAYERS.spec("TextEncoder").check(arguments)
    assert (problem.severity, problem.path, problem.found) == (severity, "vocab_file", str(path))
    for word in words:
        assert word in problem.message + problem.expected
    if "[CLS]" in words:
        assert "[SEP]" not in problem.message


def test_an_input_of_a_package_is_followed() -> None:
    package = (
        f'packages {{ name: "encoder" blocks {{ name: "inner" inputs {{ use_package_input: true }} '
        f'{bst("")} }} }} blocks {{ name: "read" inputs {{ package_name: "encoder" '
        f'package_input: "seq" }} }}'
    )
    view = View(pipeline(SEQUENCE + package))
    backbone, _ = parse_backbone(view.pipeline)
    assert backbone is not None
    error, _ = check_sequences(view, backbone)
    assert "'inner'" in error.message


def test_what_is_not_known_is_not_checked() -> None:
    assert found(bst(""), 'input_fn: "lambda x: [x[0], x[1], x[0][:, 0]]"') == []


class Texts(Groups):
    """Rows of tokens, some of `LENGTHS`."""

    LENGTHS = (0, 1, 4, 9)

    def __init__(self, picked: list[int]):
        super().__init__(len(picked))
        tokens = [np.random.default_rng(n).integers(0, 9, n).tolist() for n in self.LENGTHS]
        self.tokens = tf.ragged.constant([tokens[i] for i in picked], ragged_rank=1, dtype=tf.int64)

    def raw(self, group: str) -> list[RawField]:
        return [RawField("clicks", Steps(self.tokens), 9)]


@pytest.mark.parametrize(
    "layers",
    [
        [transformer("TransformerEncoder", f"vocab_size: 9 {FIRST_TOKEN}")],
        [
            transformer("TransformerEncoder", "vocab_size: 9 max_position_embeddings: 6"),
            'lambda { expression: "lambda x: tf.reduce_mean(x, axis=1)" }',
        ],
        [transformer("TextEncoder", "vocab_size: 9")],
    ],
)
def test_tokens_of_a_row_alone_and_beside_longer_rows(layers: list[str]) -> None:
    text = reading(*layers, part="").replace(SEQUENCE, RAW)
    backbone = compiled(text)
    together = np.asarray(backbone(Texts([0, 1, 2, 3])))
    assert np.isfinite(together).all()
    for row in range(4):
        alone = np.asarray(backbone(Texts([row])))
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-5, atol=1e-6)
