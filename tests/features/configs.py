"""Small configs made in the tests."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from google.protobuf import text_format

from easyrec_lite.checks.rules import features as rules
from easyrec_lite.checks.view import View
from easyrec_lite.config import ConfigSource, Pipeline
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.transform import FeatureTransform
from easyrec_lite.protos.messages import EasyRecConfig


def config_of(*features: str, groups: dict[str, list[str]] | None = None) -> Pipeline:
    """Returns a config with these `features {...}` bodies, all in group `all` unless said."""
    config = EasyRecConfig(model_dir="unused")
    config.model_config.model_class = "DSSM"
    for body in features:
        text_format.Parse(body, config.feature_config.features.add())
    every = [
        feature.feature_name or feature.input_names[0] for feature in config.feature_config.features
    ]
    for name, members in (groups or {"all": every}).items():
        config.model_config.feature_groups.add(group_name=name, feature_names=members)
    return Pipeline(config, ConfigSource("my.config", ""))


def problems_of(pipeline: Pipeline) -> str:
    """Returns what the rules of features say of a config; columns need not be declared."""
    view = View(pipeline)
    checked = (rule for rule in rules.RULES if rule is not rules.inputs)
    return "\n".join(str(problem) for rule in checked for problem in rule(view))


def value_of(body: str, **columns: Any) -> FeatureValue:
    """Returns the value of the one feature `body` for these columns."""
    given = {
        name: column if isinstance(column, tf.RaggedTensor) else tf.constant(column)
        for name, column in columns.items()
    }
    return next(iter(FeatureTransform(config_of(body))(given).values()))
