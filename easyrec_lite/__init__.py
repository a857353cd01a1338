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
    "Bags": "data.rows.values",
    "Batch": "features.batch",
    "ConfigError": "core.errors",
    "DataError": "core.errors",
    "DenseLayer": "checks.specs.model",
    "Estimator": "runs.estimator",
    "ExportOptions": "serving.export",
    "FeatureValue": "data.rows.values",
    "GroupEmbeddings": "features.embeddings",
    "Hook": "training.hooks",
    "LayerSpec": "checks.specs.layer",
    "LossSpec": "checks.specs.loss",
    "Metric": "metrics.base",
    "MetricSpec": "checks.specs.metric",
    "Model": "models.base",
    "ModelSpec": "checks.specs.model",
    "Outputs": "losses.outputs",
    "Pipeline": "config.pipeline",
    "Prediction": "serving.predict",
    "Problem": "core.errors",
    "ReaderRequest": "data.readers.base",
    "ReaderSpec": "checks.specs.reader",
    "RecordReader": "data.readers.records",
    "Retrieval": "models.retrieval.task",
    "RunError": "core.errors",
    "Scores": "losses.scores",
    "StepReport": "training.hooks",
    "Tower": "models.retrieval.towers",
    "TowerOutput": "models.retrieval.towers",
    "TrainingResult": "runs.training_run",
    "TwoTowerModel": "models.retrieval.two_tower",
    "TwoTowerSpec": "models.retrieval.spec",
    "UserVectors": "models.retrieval.task",
    "View": "checks.view",
    "check_config": "checks.check",
    "derive_seed": "layers.seeds",
    "embedding_penalty": "models.regularization",
    "load_config": "checks.check",
    "register_function": "config.functions",
    "register_layer": "checks.specs.layer",
    "register_loss": "checks.specs.loss",
    "register_metric": "checks.specs.metric",
    "register_model": "checks.specs.model",
    "register_reader": "checks.specs.reader",
}

if TYPE_CHECKING:
    from easyrec_lite.checks.check import check_config as check_config
    from easyrec_lite.checks.check import load_config as load_config
    from easyrec_lite.checks.specs.layer import LayerSpec as LayerSpec
    from easyrec_lite.checks.specs.layer import register_layer as register_layer
    from easyrec_lite.checks.specs.loss import LossSpec as LossSpec
    from easyrec_lite.checks.specs.loss import register_loss as register_loss
    from easyrec_lite.checks.specs.metric import MetricSpec as MetricSpec
    from easyrec_lite.checks.specs.metric import register_metric as register_metric
    from easyrec_lite.checks.specs.model import DenseLayer as DenseLayer
    from easyrec_lite.checks.specs.model import ModelSpec as ModelSpec
    from easyrec_lite.checks.specs.model import register_model as register_model
    from easyrec_lite.checks.specs.reader import ReaderSpec as ReaderSpec
    from easyrec_lite.checks.specs.reader import register_reader as register_reader
    from easyrec_lite.checks.view import View as View
    from easyrec_lite.config.functions import register_function as register_function
    from easyrec_lite.config.pipeline import Pipeline as Pipeline
    from easyrec_lite.core.errors import ConfigError as ConfigError
    from easyrec_lite.core.errors import DataError as DataError
    from easyrec_lite.core.errors import Problem as Problem
    from easyrec_lite.core.errors import RunError as RunError
    from easyrec_lite.data.readers.base import ReaderRequest as ReaderRequest
    from easyrec_lite.data.readers.records import RecordReader as RecordReader
    from easyrec_lite.data.rows.values import Bags as Bags
    from easyrec_lite.data.rows.values import FeatureValue as FeatureValue
    from easyrec_lite.features.batch import Batch as Batch
    from easyrec_lite.features.embeddings import GroupEmbeddings as GroupEmbeddings
    from easyrec_lite.layers.seeds import derive_seed as derive_seed
    from easyrec_lite.losses.outputs import Outputs as Outputs
    from easyrec_lite.losses.scores import Scores as Scores
    from easyrec_lite.metrics.base import Metric as Metric
    from easyrec_lite.models.base import Model as Model
    from easyrec_lite.models.regularization import embedding_penalty as embedding_penalty
    from easyrec_lite.models.retrieval.spec import TwoTowerSpec as TwoTowerSpec
    from easyrec_lite.models.retrieval.task import Retrieval as Retrieval
    from easyrec_lite.models.retrieval.task import UserVectors as UserVectors
    from easyrec_lite.models.retrieval.towers import Tower as Tower
    from easyrec_lite.models.retrieval.towers import TowerOutput as TowerOutput
    from easyrec_lite.models.retrieval.two_tower import TwoTowerModel as TwoTowerModel
    from easyrec_lite.runs.estimator import Estimator as Estimator
    from easyrec_lite.runs.training_run import TrainingResult as TrainingResult
    from easyrec_lite.serving.export import ExportOptions as ExportOptions
    from easyrec_lite.serving.predict import Prediction as Prediction
    from easyrec_lite.training.hooks import Hook as Hook
    from easyrec_lite.training.hooks import StepReport as StepReport


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*_HOMES, "__version__"])
