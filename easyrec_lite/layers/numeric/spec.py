"""Embeddings of numbers: what `check` knows of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec, wrong
from easyrec_lite.checks.status import fields
from easyrec_lite.core.errors import Problem


@LAYERS.declare
class PeriodicEmbeddingSpec(LayerSpec):
    """Numbers to vectors by sines and cosines of learned frequencies."""

    name = "PeriodicEmbedding"
    module = "periodic"
    message = "periodic_embedding"
    messages = {
        "PeriodicEmbedding": fields(
            "embedding_dim sigma add_linear_layer linear_activation output_3d_tensor "
            "output_tensor_list"
        )
    }
    needs = ("embedding_dim", "sigma")
    positive = ("embedding_dim",)

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """Half of a vector are sines, half cosines."""
        if arguments["embedding_dim"] % 2:
            yield wrong("embedding_dim", "an even number", arguments["embedding_dim"])


@LAYERS.declare
class AutoDisEmbeddingSpec(LayerSpec):
    """Numbers to vectors by soft membership in learned bins."""

    name = "AutoDisEmbedding"
    module = "auto_dis"
    message = "auto_dis_embedding"
    messages = {
        "AutoDisEmbedding": fields(
            "embedding_dim num_bins keep_prob temperature output_3d_tensor output_tensor_list"
        )
    }
    needs = ("embedding_dim", "num_bins", "temperature")
    positive = ("embedding_dim", "num_bins")

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """The softmax over bins has a temperature above 0."""
        if arguments["temperature"] <= 0:
            yield wrong("temperature", "a number above 0", arguments["temperature"])


@LAYERS.declare
class NaryDisEmbeddingSpec(LayerSpec):
    """Numbers to vectors by their digits in several bases."""

    name = "NaryDisEmbedding"
    module = "nary_dis"
    message = "nary_dis_embedding"
    messages = {
        "NaryDisEmbedding": fields(
            "embedding_dim carries multiplier intra_ary_pooling inter_ary_pooling "
            "output_3d_tensor output_tensor_list num_replicas"
        )
    }
    needs = ("embedding_dim", "carries")
    positive = ("embedding_dim", "num_replicas")
    choices = {
        "intra_ary_pooling": ("sum", "mean"),
        "inter_ary_pooling": ("concat", "sum", "mean"),
    }

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """Bases are 2 or more, and vectors that are joined have room for all of them."""
        bases, dim = arguments["carries"], arguments["embedding_dim"]
        if min(bases) < 2:
            yield wrong("carries", "bases of 2 or more", bases)
        if arguments.get("inter_ary_pooling", "concat") == "concat" and dim % len(bases):
            yield wrong("embedding_dim", f"a multiple of {len(bases)}, the number of carries", dim)
