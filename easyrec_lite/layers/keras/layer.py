"""The layers of Keras, with replacements for some."""

from __future__ import annotations

import keras

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.batch_norm import BatchNorm
from easyrec_lite.layers.keras.masked import (
    AdditiveAttention,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Softmax,
)
from easyrec_lite.layers.keras.spec import NAMES

# Replace Keras classes: same parameters and numbers; aware of replicas and of sequences' lengths.
_IN_PLACE = {
    "AdditiveAttention": AdditiveAttention,
    "BatchNormalization": BatchNorm,
    "GlobalAveragePooling1D": GlobalAveragePooling1D,
    "GlobalMaxPooling1D": GlobalMaxPooling1D,
    "Softmax": Softmax,
}

for _name in NAMES:
    LAYERS.implement(_name)(_IN_PLACE.get(_name) or getattr(keras.layers, _name))
