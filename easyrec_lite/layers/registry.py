"""The table of layers that a config's `keras_layer { class_name }` can name."""

from __future__ import annotations

from typing import Any

from easyrec_lite.registry import Registry

_MODULES = {
    "MLP": "mlp",
    "SENet": "senet",
    "FM": "fm",
    "Cross": "cross",
    "CIN": "cin",
    "DotInteraction": "dot_interaction",
    "BiLinear": "bilinear",
    "Bilinear": "bilinear",
    "FiBiNet": "fibinet",
    "MaskBlock": "mask_block",
    "MaskNet": "mask_net",
    "Highway": "highway",
    "Gate": "gate",
    "PeriodicEmbedding": "periodic_embedding",
    "AutoDisEmbedding": "auto_dis_embedding",
    "NaryDisEmbedding": "nary_dis_embedding",
    "Attention": "attention",
    "MultiHeadAttention": "multi_head_attention",
    "TextCNN": "text_cnn",
}

LAYERS: Registry[Any] = Registry(
    "keras_layer class_name",
    {name: f"easyrec_lite.layers.{module}" for name, module in _MODULES.items()},
)
