"""BST: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec, SequenceInput, wrong
from easyrec_lite.checks.status import fields
from easyrec_lite.core.errors import Problem


@LAYERS.declare
class BSTSpec(LayerSpec):
    """A transformer over a sequence and a target."""

    name = "BST"
    module = "layer"
    message = "bst"
    messages = {
        "BSTEncoder": fields(
            "hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act "
            "hidden_dropout_prob attention_probs_dropout_prob max_position_embeddings "
            "initializer_range output_all_token_embeddings target_item_position "
            "reserve_target_position",
            warned={"use_position_embeddings": "positions always have vectors, as in EasyRec"},
        )
    }
    needs = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    positive = (*needs, "max_position_embeddings")
    shares = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    choices = {"target_item_position": ("head", "tail")}

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """The heads divide the width."""
        yield from whole_heads(arguments)

    def reads(self, arguments: Mapping[str, Any], read: SequenceInput) -> Iterator[Problem]:
        """The target is as wide as the sequence, and no sequence is longer than the positions."""
        if read.target_width not in (0, read.width):
            yield Problem(
                f"the target of group {read.group!r} is not as wide as its sequence",
                expected=f"{read.width}, the width of the sequences joined",
                found=str(read.target_width),
                remedy="give target and sequences the same features; or read the sequence without "
                'the target, by input_slice: "[:2]"',
            )
        positions = arguments.get("max_position_embeddings", 512)
        if read.longest > positions:
            limit = f"{read.longest:g} steps" if read.longest != float("inf") else "no limit"
            yield Problem(
                f"sequences of group {read.group!r} are cut to their first {positions} steps",
                path="max_position_embeddings",
                severity="warning",
                expected=f"a max_seq_len of {positions} or less",
                found=limit,
                remedy="raise max_position_embeddings, or set max_seq_len of the features",
            )


def whole_heads(arguments: Mapping[str, Any]) -> Iterator[Problem]:
    """Yields a problem if `hidden_size` is no multiple of `num_attention_heads`."""
    width, heads = arguments["hidden_size"], arguments["num_attention_heads"]
    if heads and width % heads:
        yield wrong("num_attention_heads", f"a divisor of hidden_size, {width}", heads)
