"""MatchModel: two towers that are outputs of a backbone."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.layers.build import kernels
from easyrec_lite.models.backbone.compiled import CompiledBackbone
from easyrec_lite.models.backbone.field_names import field_names
from easyrec_lite.models.backbone.groups import EmbeddedGroups
from easyrec_lite.models.backbone.parse import parse_backbone
from easyrec_lite.models.regularization import embedding_penalty
from easyrec_lite.models.retrieval.towers import Tower, TowerOutput
from easyrec_lite.models.retrieval.two_tower import TwoTowerModel


@MODELS.implement("MatchModel")
class MatchModel(TwoTowerModel):
    """The towers are two of the backbone's `output_blocks`, each [B, D].

    `l2_regularization` acts on the kernels of the blocks' layers.

    Attributes:
      backbone: the compiled backbone.

    Raises:
      ConfigError: the outputs are no two towers of one width, or a layer cannot be built.
    """

    def __init__(self, pipeline: Pipeline, embeddings: GroupEmbeddings, seed: int):
        graph, _ = parse_backbone(pipeline)
        assert graph is not None
        params = pipeline.config.model_config.model_params
        self.backbone = CompiledBackbone(graph, embeddings.groups, pipeline, seed)
        indices = (params.user_tower_idx_in_output, params.item_tower_idx_in_output)
        user, item = (
            BackboneTower(pipeline, embeddings, self.backbone, graph.main.outputs[index])
            for index in indices
        )
        _require_equal_widths(user.width, item.width, pipeline)
        item.leave_to(user)
        super().__init__(pipeline, embeddings, seed, params, user, item)


class BackboneTower(Tower):
    """One output block of a backbone, as a tower.

    Args:
      pipeline: the config.
      embeddings: the `GroupEmbeddings`.
      backbone: the compiled backbone.
      output: the output block.

    Raises:
      ConfigError: the block gives no tensor [B, D].
    """

    def __init__(
        self,
        pipeline: Pipeline,
        embeddings: GroupEmbeddings,
        backbone: CompiledBackbone,
        output: str,
    ):
        self.groups = tuple(backbone.graph.groups(output))
        self._losses = _losses_of(self.groups, backbone)
        layers = [layer for name in (output, *self._losses) for layer in backbone.layers_of(name)]
        self.layers: list[keras.layers.Layer] = list(dict.fromkeys(layers))
        self.kernels = [kernel for layer in self.layers for kernel in kernels(layer)]
        self.width = _width(backbone, output, pipeline)
        self._embeddings = embeddings
        self._backbone = backbone
        self._output = output
        self._rate = pipeline.config.model_config.embedding_regularization

    def leave_to(self, other: BackboneTower) -> None:
        """Leaves the layers that both towers use to `other`, so that they count once."""
        self.layers = [layer for layer in self.layers if layer not in other.layers]
        self.kernels = [kernel for layer in self.layers for kernel in kernels(layer)]

    def __call__(self, features: dict[str, FeatureValue], training: bool) -> TowerOutput:
        """Returns the vectors [R, D] of the R rows of `features`."""
        return self._computed([], features, training)

    def with_losses(self, features: dict[str, FeatureValue], training: bool) -> TowerOutput:
        """Returns the vectors of R rows, and the losses of blocks that read the tower's groups."""
        return self._computed(self._losses, features, training)

    def _computed(
        self, losses: Sequence[str], features: dict[str, FeatureValue], training: bool
    ) -> TowerOutput:
        groups = EmbeddedGroups(self._embeddings, features, training)
        names = [self._output, *losses]
        vectors, *found = self._backbone.outputs(names, groups, training)
        named = {
            self._backbone.graph.main.loss_name(name): value
            for name, value in zip(losses, found, strict=True)
        }
        penalties = {
            group: embedding_penalty(fields, self._rate)
            for group, fields in groups.vectors.items()
            if self._rate
        }
        return TowerOutput(vectors, penalties, losses=named)

    def field_names(self, layer: keras.layers.Layer) -> list[str]:
        """Returns the features that come into the layer's block; [] where it cannot tell."""
        layers = self._backbone.layers
        package, _, block = next(key for key in layers if layer in layers[key]).rpartition("/")
        graph = self._backbone.graph
        blocks = graph.packages[package] if package else graph.main
        if block not in blocks.blocks:
            return []
        return field_names(blocks, blocks.blocks[block], self._embeddings.groups)


def _losses_of(groups: Sequence[str], backbone: CompiledBackbone) -> list[str]:
    """Returns the blocks that give a loss and read only these feature groups."""
    losses = backbone.graph.main.losses
    return [name for name in losses if set(backbone.graph.groups(name)) <= set(groups)]


def _require_equal_widths(user: int, item: int, pipeline: Pipeline) -> None:
    """The widths of a backbone's outputs are known only once it is built."""
    if user != item:
        path = "model_config.backbone.output_blocks"
        raise ConfigError(
            Problem(
                message="the towers' outputs differ in width, so they have no similarity",
                place=pipeline.place(path),
                path=path,
                expected="two blocks of one width",
                found=f"user {user}, item {item}",
            )
        )


def _width(backbone: CompiledBackbone, output: str, pipeline: Pipeline) -> int:
    shape = getattr(backbone.examples.get(output), "shape", None)
    if shape is None or len(shape) != 2:
        raise ConfigError(
            Problem(
                message=f"output block {output!r} gives no tower vector",
                place=pipeline.place("model_config.backbone.output_blocks"),
                path="model_config.backbone.output_blocks",
                expected="one tensor [B, D]",
                found="a list" if shape is None else f"shape {shape}",
            )
        )
    return int(shape[1])
