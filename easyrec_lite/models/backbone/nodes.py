"""The nodes of a backbone as a diagram shows them: inputs, shapes, parameter counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from easyrec_lite.checks.features import Feature, FeatureGroups, embedding_tables
from easyrec_lite.checks.view import View
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.models.backbone.compiled import EXAMPLE_ROWS, CompiledBackbone
from easyrec_lite.models.backbone.diagram import Node
from easyrec_lite.models.backbone.graph import Backbone, Block, Graph, Input
from easyrec_lite.models.backbone.padding import EXAMPLE_STEPS
from easyrec_lite.models.backbone.parse import parse_backbone


def nodes(pipeline: Pipeline) -> list[Node]:
    """Returns what there is to draw: groups first, then blocks so that each follows its inputs.

    Raises:
      ConfigError: there is no backbone, or it cannot be built.
    """
    if not pipeline.config.model_config.HasField("backbone"):
        raise ConfigError(
            Problem(
                "the config has no backbone",
                pipeline.place("model_config"),
                path="model_config",
                remedy="only a config with model_config.backbone has a graph",
            )
        )
    backbone, problems = parse_backbone(pipeline)
    if backbone is None:
        raise ConfigError(problem for problem in problems if problem.severity == "error")
    groups = View(pipeline).feature_groups
    compiled = CompiledBackbone(backbone, groups, pipeline, 0)
    graphs = [*backbone.packages.values(), backbone.main]
    blocks = [
        _node(compiled, graph, block)
        for graph in graphs
        for block in graph.blocks.values()
        if _key(graph, block.name) in compiled.examples
    ]
    if backbone.top_mlp is not None:
        reads = tuple(_key(backbone.main, name) for name in backbone.main.outputs)
        top = compiled.layers["top_mlp"]
        width = backbone.top_mlp.hidden_units[-1]
        blocks.append(Node("top_mlp", type(top[0]).__name__, reads, f"[B, {width}]", _count(top)))
    read = {name for node in blocks for name in node.reads}
    drawn = {group: groups[group] for group in groups if f"@{group}" in read}
    tables = _table_parameters(drawn)
    sources = [
        Node(f"@{group}", "feature group", (), _width(drawn[group]), tables[group])
        for group in drawn
    ]
    return _in_towers(pipeline, sources + blocks)


def _in_towers(pipeline: Pipeline, made: Sequence[Node]) -> list[Node]:
    """Returns the nodes, each with the tower that reads all the groups that it depends on."""
    user, item = ({f"@{group}" for group in groups} for groups in View(pipeline).sides)
    groups: dict[str, set[str]] = {}
    for node in made:  # A node comes after what it reads.
        own = {node.name} if node.is_group else set()
        groups[node.name] = own.union(*(groups.get(name, set()) for name in node.reads))
    return [
        node._replace(tower="item" if item >= groups[node.name] else "user")
        if (user >= groups[node.name]) != (item >= groups[node.name])
        else node
        for node in made
    ]


def _table_parameters(groups: FeatureGroups) -> dict[str, int]:
    """Returns what the tables of each group hold; a shared one counts where it comes first."""
    tables, counted = embedding_tables(groups), set[str]()
    parameters = {}
    for group, features in groups.items():
        new = {feature.table(group) for feature in features if feature.has_table} - counted
        parameters[group] = sum(tables[name].rows * tables[name].dim for name in new)
        counted |= new
    return parameters


def _node(compiled: CompiledBackbone, graph: Graph, block: Block) -> Node:
    key = _key(graph, block.name)
    return Node(
        name=key,
        does=_does(block),
        reads=tuple(
            dict.fromkeys(
                name for each in block.inputs for name in _reads(compiled.graph, graph, each)
            )
        ),
        shape=shape_text(compiled.examples[key]),
        parameters=_count(compiled.layers[key]),
    )


def _reads(backbone: Backbone, graph: Graph, entry: Input) -> list[str]:
    if entry.kind == "package_input":
        return ["package input"]
    if entry.kind == "group":
        return [f"@{entry.name}"]
    if entry.kind == "block":
        return [_key(graph, entry.name)]
    if entry.kind == "outer":
        return [_key(backbone.main, entry.name)]
    package = backbone.packages[entry.name]
    given = [_key(graph, entry.package_input)] if entry.package_input else []
    if entry.package_input in backbone.packages and given == [f"@{entry.package_input}"]:
        inner = backbone.packages[entry.package_input]
        given = [_key(inner, name) for name in inner.outputs]
    return [_key(package, name) for name in package.outputs] + given


def _key(graph: Graph, name: str) -> str:
    if name not in graph.blocks:
        return f"@{name}"
    return f"{graph.name}/{name}" if graph.name else name


def _does(block: Block) -> str:
    parts = []
    for layer in block.layers:
        message = getattr(layer.message, "keras_layer", layer.message)
        name = getattr(message, "class_name", layer.kind)
        if layer.kind == "recurrent":
            name = f"{layer.message.num_steps} × {name}, recurrent"
        elif layer.kind == "repeat":
            name = f"{layer.message.num_repeat} × {name}"
        elif layer.kind == "lambda":
            name = layer.message.expression
        parts.append(name)
    return " → ".join(parts) or "joins its inputs"


def _count(layers: list[keras.layers.Layer]) -> int:
    return sum(int(np.prod(w.shape)) for layer in layers for w in layer.trainable_weights)


def _width(features: tuple[Feature, ...]) -> str:
    return f"[B, {sum(feature.width for feature in features)}]"


def _size(axis: int, size: int) -> str:
    if axis == 0:
        return "B" if size == EXAMPLE_ROWS else str(size)
    return "L" if size == EXAMPLE_STEPS else str(size)


def shape_text(value: Any) -> str:
    """Returns the shape of a block's result; lists in parentheses, equal ones counted."""
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"[{', '.join(_size(i, int(n)) for i, n in enumerate(shape))}]"
    if not isinstance(value, list | tuple) or hasattr(value, "_fields"):
        return type(value).__name__
    shapes = [shape_text(part) for part in value]
    if len(shapes) > 1 and len(set(shapes)) == 1:
        return f"{len(shapes)} × {shapes[0]}"
    return f"({', '.join(shapes)})"
