"""Builds the parts of a run from a config: feature transform, tables, model."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.features.transform import FeatureTransform
from easyrec_lite.layers.batch_norm import synchronized
from easyrec_lite.models.base import Model


@dataclass(frozen=True)
class Parts:
    """A config with the transform and the model that were built from it."""

    pipeline: Pipeline
    transform: FeatureTransform
    model: Model

    @property
    def candidate_features(self) -> tuple[str, ...]:
        """Names of the features of sampled items; none for a model that has no use for them."""
        features = self.features_of(self.model.candidate_groups)
        keys = View(self.pipeline).sampled_keys if features else ()
        return tuple(dict.fromkeys((*features, *keys)))

    def features_of(self, groups: tuple[str, ...]) -> tuple[str, ...]:
        """Returns the names of the features in some groups, each once."""
        view = View(self.pipeline)
        read = (view.read_features(group) for group in groups)
        return tuple(dict.fromkeys(feature.name for features in read for feature in features))


def build(pipeline: Pipeline) -> Parts:
    """Builds the model of a config; its weights depend on the config and its seed alone.

    Raises:
      ConfigError: the model class is unknown, or the config does not fit it.
    """
    config = pipeline.config
    seed = config.train_config.seed
    keras.utils.set_random_seed(seed % 2**32)
    transform = FeatureTransform(pipeline)
    embeddings = GroupEmbeddings(pipeline, seed)
    with synchronized(config.train_config.sync_batch_norm):
        model = MODELS.get(config.model_config.model_class)(pipeline, embeddings, seed)
    return Parts(pipeline, transform, model)
