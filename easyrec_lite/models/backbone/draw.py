"""Draws a backbone: its blocks, what each reads, shapes and parameter counts; text or SVG."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np

from easyrec_lite.config.source import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.features.specs import group_specs, table_specs
from easyrec_lite.models.backbone.compiled import EXAMPLE_ROWS, CompiledBackbone
from easyrec_lite.models.backbone.graph import Backbone, Block, Graph, Input
from easyrec_lite.models.backbone.groups import EXAMPLE_STEPS, Specs
from easyrec_lite.models.backbone.parse import parse_backbone


class Node(NamedTuple):
    """One thing in the drawing.

    Attributes:
      name: feature group, `block` or `package/block`; names of groups begin with `@`.
      does: what it does, e.g. `MLP`.
      reads: the nodes that it reads, in order.
      shape: shape of its result, e.g. `[B, 32]`.
      parameters: how many numbers it learns; a shared table is of the first group that has it.
    """

    name: str
    does: str
    reads: tuple[str, ...]
    shape: str
    parameters: int


def draw(pipeline: Pipeline) -> str:
    """Returns the backbone of a config as text: a line for each group and block, in order.

    Raises:
      ConfigError: there is no backbone, or it cannot be built.
    """
    found = nodes(pipeline)
    rows = [("block", "does", "reads", "shape", "parameters")]
    for node in found:
        reads = ", ".join(node.reads)
        rows.append((node.name, node.does, reads, node.shape, f"{node.parameters:,}"))
    rows.append(("", "", "", "", f"{sum(node.parameters for node in found):,}"))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join(_line(row, widths, len(rows[-1][4]) + 2) for row in rows) + "\n"


def _line(row: tuple[str, ...], widths: list[int], last: int) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
    return "  ".join([*cells, row[4].rjust(max(last, 10))]).rstrip()


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
    specs = group_specs(pipeline)
    compiled = CompiledBackbone(backbone, specs, pipeline, 0)
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
        blocks.append(Node("top_mlp", "MLP", reads, f"[B, {width}]", _count(top)))
    read = {name for node in blocks for name in node.reads}
    drawn = {group: specs[group] for group in specs if f"@{group}" in read}
    tables = _table_parameters(drawn)
    groups = [
        Node(f"@{group}", "feature group", (), _width(drawn[group]), tables[group])
        for group in drawn
    ]
    return groups + blocks


def _table_parameters(groups: Specs) -> dict[str, int]:
    """Returns what the tables of each group hold; a shared one counts where it comes first."""
    tables, counted = table_specs(dict(groups)), set[str]()
    parameters = {}
    for group, specs in groups.items():
        new = {spec.table(group) for spec in specs if spec.rows} - counted
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
    package = backbone.packages[entry.name]
    given = [_key(graph, entry.package_input)] if entry.package_input else []
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


def _width(specs: Any) -> str:
    return f"[B, {sum(spec.width for spec in specs)}]"


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
