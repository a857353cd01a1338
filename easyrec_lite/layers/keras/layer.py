"""The layers of Keras, with one replacement."""

from __future__ import annotations

import keras

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.batch_norm import BatchNorm
from easyrec_lite.layers.keras.spec import NAMES

# Replaces a Keras class: same parameters and numbers, and aware of replicas.
_IN_PLACE = {"BatchNormalization": BatchNorm}

for _name in NAMES:
    LAYERS.implement(_name)(_IN_PLACE.get(_name) or getattr(keras.layers, _name))
