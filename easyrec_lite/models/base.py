"""The base of models: features in, predictions and named losses out; all variables by name."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.model import ModelSpec
from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.losses.outputs import Outputs

# The name of the loss that is not a mean over rows.
REGULARIZATION = "regularization_loss"
# In the names of the states of random draws, int64 [2]: a seed, and how often it was drawn from.
SEED_STATE = "/seed_generator_"
# The function of every export: all columns in, predictions out.
SCORER = "scorer"


class Signature(NamedTuple):
    """A function that an export offers.

    Attributes:
      compute: feature name → value of B rows in, output name → tensor of B rows out.
      groups: the feature groups whose columns it takes; None: those of all features.
    """

    compute: Callable[[dict[str, FeatureValue]], dict[str, tf.Tensor]]
    groups: tuple[str, ...] | None = None


class Model(abc.ABC):
    """A model of any task over the embeddings of feature groups; `TwoTowerModel` for retrieval.

    A subclass hands every layer that it makes to `add_layer`, already built, so that its variables
    are complete before the first step. What only models of one task have is a protocol beside this
    class, such as `Retrieval` with its vectors of users and items.

    Args:
      pipeline: the config.
      embeddings: the embedding tables of all feature groups (`GroupEmbeddings`).
      seed: the run's seed, from which each initialiser and dropout derives its own.

    Attributes:
      spec: what the spec of a subclass derives from, when it is registered by a name alone.
      candidate_groups: the feature groups of the item, if a row's item competes with those of other
        rows and with sampled items, or if sampled items are of use otherwise; () for a model that
        reads each row alone, for which no items are sampled.
      extra_columns: raw columns that `losses` needs in `batch.extra` and `batch.negative_extra`.
    """

    spec: ClassVar[type[ModelSpec]] = ModelSpec
    candidate_groups: tuple[str, ...] = ()
    extra_columns: tuple[str, ...] = ()

    def __init__(self, pipeline: Pipeline, embeddings: GroupEmbeddings, seed: int):
        self.pipeline = pipeline
        self.config = pipeline.config
        self.embeddings = embeddings
        self.seed = seed
        self._weights: dict[str, keras.Variable] = {}
        for layer in embeddings.keras_layers:
            self.add_layer(layer)

    @abc.abstractmethod
    def __call__(self, batch: Batch, training: bool) -> Outputs:
        """Returns the predictions for B rows, or for B rows against N candidates."""

    @abc.abstractmethod
    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the scalar loss terms by name; their sum is what training minimises."""

    def row_weight(self, batch: Batch) -> tf.Tensor:
        """Returns the weight of the batch among those of other replicas, a float32 scalar: B."""
        return tf.cast(batch.rows, tf.float32)

    @abc.abstractmethod
    def serve(self, features: dict[str, FeatureValue]) -> dict[str, tf.Tensor]:
        """Returns the outputs of the exported scorer, row by row, under EasyRec's names."""

    def signatures(self) -> dict[str, Signature]:
        """Returns the functions to export by name, of which `scorer` is one."""
        return {SCORER: Signature(self.serve)}

    def add_layer(self, layer: keras.layers.Layer) -> None:
        """Adds the variables of a built Keras layer.

        Raises:
          ValueError: a variable of the same name exists; layers need names of their own.
        """
        self.add_variables(layer.variables, layer.name)

    def add_variables(self, variables: Sequence[keras.Variable], owner: str = "") -> None:
        """Adds Keras variables under their paths.

        The paths of seed-generator states are numbered within the process; these variables are
        named by their position in `owner` instead, so that a checkpoint fits any process.
        """
        states = 0
        for variable in variables:
            name = variable.path
            if variable.name == "seed_generator_state":
                name = f"{owner}{SEED_STATE}{states}"
                states += 1
            if name in self._weights:
                raise ValueError(f"two variables of the model are named {name!r}")
            self._weights[name] = variable

    def measures(self, outputs: Outputs) -> dict[str, tf.Tensor]:
        """Returns scalars by name that an evaluation reports, means over its rows."""
        return {}

    def shown(self) -> dict[str, tf.Tensor]:
        """Returns scalars by name that the log shows beside the losses."""
        return {}

    @property
    def tables(self) -> dict[str, tf.Variable]:
        """The embedding tables by name."""
        return dict(self.embeddings.tables)

    @property
    def trainable(self) -> dict[str, tf.Variable]:
        """All variables that have gradients: tables, then dense weights."""
        dense = {name: var.value for name, var in self._weights.items() if var.trainable}
        return {**self.tables, **dense}

    def variables_by_name(self) -> dict[str, tf.Variable]:
        """Returns every variable: tables, weights, moving statistics, seed-generator states."""
        return {**self.tables, **{name: var.value for name, var in self._weights.items()}}
