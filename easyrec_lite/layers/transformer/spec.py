"""TransformerBlock, TransformerEncoder and TextEncoder: what `check` knows of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec, SequenceInput, wrong
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.vocabulary import read_tokens
from easyrec_lite.core.errors import Problem
from easyrec_lite.layers.bst.spec import whole_heads

# Before the first text, and after each.
MARKERS = ("[CLS]", "[SEP]")
_TOKENS = "a raw_input block over SequenceFeatures of ids"


@LAYERS.declare
class TransformerBlockSpec(LayerSpec):
    """One transformer layer over a sequence of vectors."""

    name = "TransformerBlock"
    module = "block"
    message = "transformer"
    messages = {
        "Transformer": fields(
            "hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act "
            "hidden_dropout_prob attention_probs_dropout_prob vocab_size max_position_embeddings "
            "output_all_token_embeddings",
            warned={
                "use_position_embeddings": "tokens have positions by sines and cosines, as in "
                "EasyRec"
            },
        )
    }
    needs: ClassVar[tuple[str, ...]] = ("hidden_size", "num_attention_heads")
    positive: ClassVar[tuple[str, ...]] = (
        *needs,
        *("intermediate_size", "num_hidden_layers", "max_position_embeddings"),
    )
    shares = ("hidden_dropout_prob", "attention_probs_dropout_prob")

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """The heads divide the width."""
        yield from whole_heads(arguments)

    def reads(self, arguments: Mapping[str, Any], read: SequenceInput) -> Iterator[Problem]:
        """The sequence is as wide as the layer, which adds its input to its result."""
        if read.width != arguments["hidden_size"]:
            yield Problem(
                f"the sequence of group {read.group!r} is not as wide as the layer",
                path="hidden_size",
                expected=f"{read.width}, the width of the sequences joined",
                found=str(arguments["hidden_size"]),
                remedy="use that hidden_size, or project the steps by a Dense layer before",
            )


@LAYERS.declare
class TransformerEncoderSpec(TransformerBlockSpec):
    """Tokens, encoded by transformer layers."""

    name = "TransformerEncoder"
    module = "encoder"
    messages = {}
    needs = (*TransformerBlockSpec.needs, "vocab_size")
    positive = (*TransformerBlockSpec.positive, "vocab_size")

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """The heads divide the width; sines and cosines have half of it each."""
        yield from super().rules(arguments)
        if arguments["hidden_size"] % 2:
            yield wrong("hidden_size", "an even number", arguments["hidden_size"])

    def reads(self, arguments: Mapping[str, Any], read: SequenceInput) -> Iterator[Problem]:
        """The input is made of token ids, for each of which there is a vector."""
        yield from reads_tokens(arguments, read)


@LAYERS.declare
class TextEncoderSpec(LayerSpec):
    """Texts, encoded by transformer layers."""

    name = "TextEncoder"
    module = "text"
    message = "text_encoder"
    messages = {
        "TextEncoder": fields(
            "transformer vocab_file",
            warned={"separator": "texts are split by the separator of their SequenceFeature"},
            refused={
                "default_token_id": (
                    "features give unknown tokens the id 0",
                    "leave it out, and put the token for unknown ones first in the vocab_file",
                )
            },
        )
    }
    needs = ("transformer",)
    parts = {"transformer": TransformerEncoderSpec}

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """A vocabulary can be read, and has the markers."""
        path = arguments.get("vocab_file")
        if not path:
            return
        tokens = read_tokens(path)
        if not tokens:
            yield Problem(
                "cannot read the vocabulary" if tokens is None else "the vocabulary is empty",
                path="vocab_file",
                expected="a UTF-8 text file with one token a line",
                found=path,
                remedy="correct the path or the file",
            )
            return
        lacking = [marker for marker in MARKERS if marker not in tokens]
        if lacking:
            yield Problem(
                f"the vocabulary lacks {' and '.join(lacking)}, so that they have the id 0 of "
                "unknown tokens",
                path="vocab_file",
                severity="warning",
                expected="a line for each of " + ", ".join(MARKERS),
                found=path,
                remedy="add them",
            )

    def reads(self, arguments: Mapping[str, Any], read: SequenceInput) -> Iterator[Problem]:
        """The input is made of token ids, for each of which there is a vector."""
        for problem in reads_tokens(arguments["transformer"], read):
            yield replace(problem, path=f"transformer.{problem.path}" if problem.path else "")
        own = arguments.get("vocab_file") or ""
        others = [given or "hashes or numbers" for given in read.vocabularies if given != own]
        if others:
            yield Problem(
                f"the tokens of group {read.group!r} have other ids than the markers",
                path="vocab_file",
                severity="error" if own else "warning",
                expected=f"features with vocab_file: {own!r}" if own else "no vocabulary",
                found=", ".join(dict.fromkeys(others)),
                remedy="use one vocab_file in the layer and in its features, or none",
            )


def reads_tokens(arguments: Mapping[str, Any], read: SequenceInput) -> Iterator[Problem]:
    """Yields problems if an encoder reads no tokens, other ones than it knows, or too many."""
    positions = arguments.get("max_position_embeddings", 512)
    if read.tokens and positions < read.longest < float("inf"):
        yield Problem(
            f"of the rows of group {read.group!r} only {positions} tokens are read",
            path="max_position_embeddings",
            severity="warning",
            expected=f"{read.longest:g} or more, the max_seq_len of the feature",
            found=str(positions),
            remedy="raise max_position_embeddings, or lower max_seq_len",
        )
    if not read.tokens:
        yield Problem(
            f"the sequence of group {read.group!r} is made of vectors",
            expected=f"token ids: {_TOKENS}",
            remedy="use TransformerBlock for vectors",
        )
    elif read.tokens > arguments["vocab_size"]:
        yield Problem(
            f"group {read.group!r} has more ids than the encoder has tokens",
            path="vocab_size",
            expected=f"{read.tokens} or more",
            found=str(arguments["vocab_size"]),
            remedy="use the hash_bucket_size of the feature as vocab_size",
        )
