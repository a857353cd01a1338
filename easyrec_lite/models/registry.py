"""The table of models that a config's `model_class` can name."""

from __future__ import annotations

from typing import Any

from easyrec_lite.core.registry import Registry

MODELS: Registry[Any] = Registry(
    "model_class",
    {
        "DSSM": "easyrec_lite.models.retrieval.dssm.model",
        "DSSM_SENet": "easyrec_lite.models.retrieval.dssm_senet.model",
        "DAT": "easyrec_lite.models.retrieval.dat.model",
        "MatchModel": "easyrec_lite.models.retrieval.match_model.model",
    },
)
