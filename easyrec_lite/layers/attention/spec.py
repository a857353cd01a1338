"""Attention and MultiHeadAttention: what `check` knows of them."""

from __future__ import annotations

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec
from easyrec_lite.checks.status import fields


@LAYERS.declare
class AttentionSpec(LayerSpec):
    """Attention of one head."""

    name = "Attention"
    masked = ("Attention",)
    module = "layer"
    message = "attention"
    messages = {
        "Attention": fields(
            "use_scale scale_by_dim score_mode dropout seed return_attention_scores use_causal_mask"
        )
    }
    choices = {"score_mode": ("dot", "concat")}
    shares = ("dropout",)


@LAYERS.declare
class MultiHeadAttentionSpec(LayerSpec):
    """Attention of several heads."""

    name = "MultiHeadAttention"
    masked = ("MultiHeadAttention",)
    module = "multi_head"
    message = "multi_head_attention"
    messages = {
        "MultiHeadAttention": fields(
            "num_heads key_dim value_dim dropout use_bias return_attention_scores use_causal_mask "
            "output_shape attention_axes kernel_initializer bias_initializer"
        )
    }
    needs = ("num_heads", "key_dim")
    positive = ("num_heads", "key_dim")
    shares = ("dropout",)
