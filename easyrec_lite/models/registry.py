"""The table of models that a config's `model_class` can name."""

from __future__ import annotations

from typing import Any

from easyrec_lite.registry import Registry

MODELS: Registry[Any] = Registry(
    "model_class",
    {
        "DSSM": "easyrec_lite.models.dssm",
        "DSSM_SENet": "easyrec_lite.models.dssm_senet",
        "DAT": "easyrec_lite.models.dat",
        "MatchModel": "easyrec_lite.models.backbone",
    },
)
