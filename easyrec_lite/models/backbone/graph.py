"""The graph of a backbone as data: blocks, their inputs, their order. No TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from easyrec_lite.checks.layers import arguments
from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.protos import messages

InputKind = Literal["group", "block", "package", "package_input", "outer"]


@dataclass(frozen=True)
class Input:
    """One input of a block.

    Attributes:
      kind: where it comes from; `outer` is a block of the backbone itself, read in a package.
      name: feature group, block or package; '' for `package_input`.
      path: config path.
      steps: functions of one argument, applied in turn (`input_slice`, then `input_fn`).
      slice: the text of `input_slice`, without blanks; "?" if there is an `input_fn` too.
      ignored: only an order: its result is not used.
      options: an `InputLayer` message in place of the group's (or, of the package's) own, or None.
      package_input: what the package is given: the name of a block, group or package; '' for
        nothing.
      package_steps: functions applied to that.
      outer: the blocks of the backbone itself that the package reads.
    """

    kind: InputKind
    name: str
    path: str
    steps: tuple[Callable[[Any], Any], ...] = ()
    slice: str = ""
    ignored: bool = False
    options: messages.InputLayer | None = None
    package_input: str = ""
    package_steps: tuple[Callable[[Any], Any], ...] = ()
    outer: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layer:
    """One layer of a block.

    Attributes:
      kind: the name of its field: keras_layer, lambda, recurrent, repeat, input_layer, raw_input
        or embedding_layer.
      message: its message.
      path: config path.
      function: what a lambda computes.
      steps: for `repeat`, functions of (input, number of the copy).
    """

    kind: str
    message: Any
    path: str
    function: Callable[..., Any] | None = None
    steps: tuple[Callable[..., Any], ...] = ()


@dataclass(frozen=True)
class Block:
    """One node of the graph.

    Attributes:
      name: the block's name.
      path: config path.
      inputs: its inputs, in order.
      layers: its layers, in order.
      concat_axis: axis along which several tensors are joined.
      as_list: give several inputs to the layers as a list.
      extra_steps: functions applied to the joined inputs.
      reads_padding: whether its layers read the padding of sequences as data.
    """

    name: str
    path: str
    inputs: tuple[Input, ...]
    layers: tuple[Layer, ...]
    concat_axis: int = -1
    as_list: bool = False
    extra_steps: tuple[Callable[[Any], Any], ...] = ()
    reads_padding: bool = False


@dataclass(frozen=True)
class Graph:
    """Blocks in an order in which each can be computed from those before it.

    Attributes:
      name: the package's name; '' for the backbone itself.
      blocks: name → block, in that order.
      outputs: names of the blocks (or feature groups) whose results are given.
      as_list: give them as a list; else concatenated.
      losses: names of the blocks whose result is a loss.
    """

    name: str
    blocks: dict[str, Block]
    outputs: tuple[str, ...]
    as_list: bool
    losses: tuple[str, ...] = ()

    def loss_name(self, name: str) -> str:
        """Returns what the loss that block `name` gives is called among those of the model."""
        *before, last = self.blocks[name].layers
        spec = LAYERS.spec(last.message.class_name)
        return spec.loss_name(f"{name}_{len(before)}" if before else name, arguments(last.message))

    def needed(self, outputs: Iterable[str]) -> list[Block]:
        """Returns the blocks that `outputs` depend on, themselves included, in order."""
        wanted = set(outputs)
        needed = []
        for block in reversed(self.blocks.values()):
            if block.name in wanted:
                needed.append(block)
                wanted.update(block_names(block, ignored=False))
        return needed[::-1]


@dataclass(frozen=True)
class Backbone:
    """The whole of a backbone: the graph, the packages that it uses, the layers on top.

    Attributes:
      main: the graph.
      packages: package name → its graph.
      top_mlp: the `MLP` message on the concatenated result, or None.
    """

    main: Graph
    packages: Mapping[str, Graph] = field(default_factory=dict)
    top_mlp: messages.MLP | None = None

    def groups(self, output: str) -> dict[str, str]:
        """Returns the feature groups that block `output` depends on, each with a path to it.

        A path is written `user_tower ← user_mlp ← user`; blocks of a package as `package/block`.
        """
        ways: dict[str, str] = {}
        for group, way in self._reached(self.main, output, output):
            ways.setdefault(group, way)
        return ways

    def _reached(self, graph: Graph, output: str, way: str) -> Iterator[tuple[str, str]]:
        """Yields (group, path) for block `output` of `graph`; each block is visited once."""
        ways = {output: way}
        if output not in graph.blocks:
            yield output, way
        for block in reversed(graph.needed([output])):
            for entry in handed_on(block):
                here = f"{ways[block.name]} ← "
                if entry.kind == "group":
                    yield entry.name, here + entry.name
                elif entry.kind == "block":
                    ways.setdefault(entry.name, here + _shown(graph, entry.name))
                elif entry.kind == "package":
                    yield from self._through(self.packages[entry.name], here)
                    given, step = entry.package_input, f"{here}{entry.name} ← "
                    for name in entry.outer:
                        ways.setdefault(name, step + name)
                    if given in graph.blocks:
                        ways.setdefault(given, step + _shown(graph, given))
                    elif given in self.packages:
                        yield from self._through(self.packages[given], step)
                    elif given:
                        yield given, step + given

    def _through(self, package: Graph, here: str) -> Iterator[tuple[str, str]]:
        for name in package.outputs:
            yield from self._reached(package, name, here + _shown(package, name))


def handed_on(block: Block) -> list[Input]:
    """Returns the inputs of `block` that it does not ignore."""
    return [entry for entry in block.inputs if not entry.ignored]


def block_names(block: Block, ignored: bool = True) -> list[str]:
    """Returns the blocks (or groups) of its own graph that `block` reads, also by packages.

    Args:
      block: the block.
      ignored: whether ignored inputs count.
    """
    entries = block.inputs if ignored else handed_on(block)
    names = [entry.name for entry in entries if entry.kind == "block"]
    names += [entry.package_input for entry in entries if entry.package_input]
    return names + [name for entry in entries for name in entry.outer]


def _shown(graph: Graph, name: str) -> str:
    return f"{graph.name}/{name}" if graph.name and name in graph.blocks else name
