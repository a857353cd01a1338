"""easyrec_lite: config-driven training of retrieval models on TensorFlow.

These names are all that a program or a plug-in needs; docs/api.md describes each of them. They are
loaded when they are first used: `import easyrec_lite`, and loading or checking a config, import no
TensorFlow.

    >>> from easyrec_lite import load_config
    >>> load_config("dssm_on_taobao.config").config.model_config.model_class
    'DSSM'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name → the module that holds it; the imports below say the same to type checkers.
_HOMES = {
    "ConfigError": "core.errors",
    "DataError": "core.errors",
    "Estimator": "runs.estimator",
    "ExportOptions": "serving.export",
    "Hook": "training.hooks",
    "Pipeline": "config.pipeline",
    "Prediction": "serving.predict",
    "Problem": "core.errors",
    "RunError": "core.errors",
    "check_config": "checks.check",
    "load_config": "checks.check",
    "register_function": "config.functions",
}

if TYPE_CHECKING:
    from easyrec_lite.checks.check import check_config as check_config
    from easyrec_lite.checks.check import load_config as load_config
    from easyrec_lite.config.functions import register_function as register_function
    from easyrec_lite.config.pipeline import Pipeline as Pipeline
    from easyrec_lite.core.errors import ConfigError as ConfigError
    from easyrec_lite.core.errors import DataError as DataError
    from easyrec_lite.core.errors import Problem as Problem
    from easyrec_lite.core.errors import RunError as RunError
    from easyrec_lite.runs.estimator import Estimator as Estimator
    from easyrec_lite.serving.export import ExportOptions as ExportOptions
    from easyrec_lite.serving.predict import Prediction as Prediction
    from easyrec_lite.training.hooks import Hook as Hook


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*_HOMES, "__version__"])
