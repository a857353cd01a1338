"""From a config to the parts of a run: transform, tables, model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import keras

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.features.transform import FeatureTransform
from easyrec_lite.layers.batch_norm import synchronized
from easyrec_lite.models.base import Model


@dataclass(frozen=True)
class Parts:
    """A config, and what was built from it."""

    pipeline: Pipeline
    transform: FeatureTransform
    model: Model

    @property
    def user_features(self) -> tuple[str, ...]:
        """Names of the features that the user side reads."""
        return self._features(self.model.user_groups)

    @property
    def item_features(self) -> tuple[str, ...]:
        """Names of the features that the item side reads."""
        return self._features(self.model.item_groups)

    def _features(self, groups: tuple[str, ...]) -> tuple[str, ...]:
        named = {
            group.group_name: group.feature_names
            for group in self.pipeline.config.model_config.feature_groups
        }
        return tuple(dict.fromkeys(name for group in groups for name in named[group]))


def build(pipeline: Pipeline) -> Parts:
    """Builds the model of a config; its weights depend on the config and its seed alone.

    Raises:
      ConfigError: the model class is unknown, or the config does not fit it.
    """
    try:
        return _build(pipeline)
    except ConfigError as error:
        raise ConfigError(_placed(problem, pipeline) for problem in error.problems) from error


def _placed(problem: Problem, pipeline: Pipeline) -> Problem:
    """The same problem with the place of its config path, which parts do not know."""
    if problem.place.file or not problem.path:
        return problem
    return dataclasses.replace(problem, place=pipeline.place(problem.path))


def _build(pipeline: Pipeline) -> Parts:
    config = pipeline.config
    seed = config.train_config.seed
    keras.utils.set_random_seed(seed % 2**32)
    transform = FeatureTransform(config)
    embeddings = GroupEmbeddings(config, seed)
    with synchronized(config.train_config.sync_batch_norm):
        model = MODELS.get(config.model_config.model_class)(config, embeddings, seed)
    return Parts(pipeline, transform, model)
