"""The table of layers that a config's `keras_layer { class_name }` can name.

A class is made with the fields of its message, or of `st_params`, as keyword arguments: lists for
repeated fields, dicts for messages; plus `name` and, if it takes one, `seed` (the run's; derive
from it by `derive_seed`). Weights are made in `build`, under names that differ within the layer.
A layer that has a property `kernels` says by it what l2 regularisation acts on.

    @LAYERS.register("Scaled")
    class Scaled(keras.layers.Layer):
        def __init__(self, factor: float = 1.0, name: str | None = None): ...
"""

from __future__ import annotations

from typing import Any

from easyrec_lite.core.registry import Registry

_MODULES = {
    "MLP": "mlp.layer",
    "SENet": "senet.layer",
    "FM": "fm.layer",
    "Cross": "cross.layer",
    "CIN": "cin.layer",
    "DotInteraction": "dot_interaction.layer",
    "BiLinear": "bilinear.layer",
    "Bilinear": "bilinear.layer",
    "FiBiNet": "fibinet.layer",
    "MaskBlock": "mask_net.block",
    "MaskNet": "mask_net.layer",
    "Highway": "highway.layer",
    "Gate": "gate.layer",
    "PeriodicEmbedding": "numeric.periodic",
    "AutoDisEmbedding": "numeric.auto_dis",
    "NaryDisEmbedding": "numeric.nary_dis",
    "Attention": "attention.layer",
    "MultiHeadAttention": "attention.multi_head",
    "TextCNN": "text_cnn.layer",
}

LAYERS: Registry[Any] = Registry(
    "keras_layer class_name",
    {name: f"easyrec_lite.layers.{module}" for name, module in _MODULES.items()},
)
