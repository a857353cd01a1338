"""A backbone of Keras layers: built once, then called as a function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.features import FeatureGroups
from easyrec_lite.checks.layers import fields_of
from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.layers.build import build_layer
from easyrec_lite.layers.mlp.layer import MLP
from easyrec_lite.models.backbone import operations
from easyrec_lite.models.backbone.embedding_layer import EmbeddingLayer, raw_output
from easyrec_lite.models.backbone.graph import Backbone, Block, Graph, Input, Layer, handed_on
from easyrec_lite.models.backbone.groups import ExampleGroups, GroupReader, RandomGroups
from easyrec_lite.models.backbone.input_layer import InputLayer
from easyrec_lite.models.backbone.operations import Operation, merge
from easyrec_lite.models.backbone.padding import EXAMPLE_STEPS, StepLengths, same_rows
from easyrec_lite.models.backbone.parse import PATH
from easyrec_lite.protos import messages

EXAMPLE_ROWS = 2
# Lengths of the example rows whose results must not depend on the padding.
_LENGTHS = ((0, 1), (3, 2))


class BlockError(ConfigError):
    """A config error that names the block it comes from."""


@dataclass(frozen=True)
class _Run:
    """One pass through the graph: its source of groups, and the input of the current package.

    Attributes:
      groups: gives the feature groups.
      training: whether it is training.
      lengths: which tensors are padded sequences.
      given: the package input.
      options: the `InputLayer` message that a package's user sets, or None.
      results: package use → its result, so that it is computed once.
      values: `block` or `package/block` → result, of the blocks computed so far.
    """

    groups: GroupReader
    training: bool
    lengths: StepLengths
    given: Any = None
    options: messages.InputLayer | None = None
    results: dict[Any, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


class CompiledBackbone:
    """The layers of a backbone, built, and the order in which they are called.

    Args:
      backbone: the parsed graph.
      groups: feature group → its features.
      pipeline: the config, for places.
      seed: source of the seeds of all layers.

    Attributes:
      graph: the parsed graph.
      layers: `block` or `package/block` → its Keras layers.
      examples: `block` or `package/block` → its result for two rows of zeros.

    Raises:
      ConfigError: a layer cannot be made, its input does not fit it, or the result of a row depends
        on the padding of its sequences; names the block.
    """

    def __init__(self, backbone: Backbone, groups: FeatureGroups, pipeline: Pipeline, seed: int):
        self.graph = backbone
        self.layers: dict[str, list[keras.layers.Layer]] = {}
        self._pipeline = pipeline
        self._seed = seed
        self._groups = groups
        self._reporting = True
        self._operations: dict[str, list[Operation]] = {}
        self._forms: dict[Any, InputLayer] = {}
        self._kept: dict[Any, bool] = {}
        for output in (*backbone.main.outputs, *backbone.main.losses):
            for graph, block in self._blocks_behind(backbone.main, output):
                if _key(graph, block) not in self.layers:
                    self._compile(graph, block)
        self._top = self._top_mlp(backbone.top_mlp)
        run = _Run(ExampleGroups(groups, EXAMPLE_ROWS), False, StepLengths(self._kept, True))
        self._result(backbone.main.outputs, run)
        self.examples = run.values
        if run.lengths:
            for rows in _LENGTHS:
                self._check_padding(groups, rows)
        self._reporting = False

    def __call__(self, groups: GroupReader, training: bool = False) -> Any:
        """Returns the result: a list, one entry an output block; or one tensor."""
        return self._result(self.graph.main.outputs, self._run(groups, training))

    def outputs(self, names: Sequence[str], groups: GroupReader, training: bool) -> list[Any]:
        """Returns the results of the blocks `names`; computes only the blocks they depend on."""
        return self._graph(self.graph.main, names, self._run(groups, training))

    def values(self, groups: GroupReader, training: bool) -> dict[str, Any]:
        """Returns the result of every block that an output or a loss depends on."""
        run = self._run(groups, training)
        self._result(self.graph.main.outputs, run)
        return run.values

    def _run(self, groups: GroupReader, training: bool = False) -> _Run:
        return _Run(groups, training, StepLengths(self._kept))

    def _check_padding(self, groups: FeatureGroups, rows: tuple[int, int]) -> None:
        """Raises an error if sequences of `rows` steps give another result with more padding.

        It names the first block whose result differs.
        """
        runs = [
            self._run(RandomGroups(groups, rows, padded)) for padded in (max(rows), EXAMPLE_STEPS)
        ]
        outputs = self.graph.main.outputs
        try:
            for run in runs:
                self._result(outputs, run)
        except BlockError as error:
            raise BlockError(
                [replace(each, remedy=_REMEDY.format(_readers())) for each in error.problems]
            ) from error
        lengths, others = runs[0].lengths, runs[1].values
        for key, value in runs[0].values.items():
            if not same_rows(value, others[key], lengths) and not self._reads_padding(key):
                raise BlockError([self._padding_problem(key)])

    def _reads_padding(self, key: str) -> bool:
        """Returns whether a block, or one behind it, is to read padding as data."""
        package, _, name = key.rpartition("/")
        graph = self.graph.packages[package] if package else self.graph.main
        # What a package is given is known only where it is used.
        behind = [graph.blocks[name], *self._everything()] if package else []
        behind += [block for _, block in self._blocks_behind(graph, name)]
        return any(block.reads_padding for block in behind)

    def _everything(self) -> Iterator[Block]:
        for graph in (self.graph.main, *self.graph.packages.values()):
            yield from graph.blocks.values()

    def _padding_problem(self, key: str) -> Problem:
        package, _, name = key.rpartition("/")
        graph = self.graph.packages[package] if package else self.graph.main
        path = graph.blocks[name].path if name in graph.blocks else PATH
        return Problem(
            f"block {key!r}: the result of a row depends on the padding of its sequence, so on the "
            "longest row of the batch",
            place=self._pipeline.place(path),
            path=path,
            expected="the same result for a row alone and beside longer ones",
            found="different results for more padding",
            remedy=_REMEDY.format(_readers()),
        )

    def layers_of(self, output: str) -> list[keras.layers.Layer]:
        """Returns the layers that block `output` depends on, each once."""
        behind = self._blocks_behind(self.graph.main, output)
        keys = dict.fromkeys(_key(graph, block) for graph, block in behind)
        return [layer for key in keys for layer in self.layers[key]]

    def _blocks_behind(self, graph: Graph, output: str) -> Iterator[tuple[Graph, Block]]:
        for block in graph.needed([output]):
            yield graph, block
            for entry in handed_on(block):
                if entry.kind == "outer":
                    yield from self._blocks_behind(self.graph.main, entry.name)
                used = [entry.name] if entry.kind == "package" else []
                for each in used + self._given_package(entry):
                    package = self.graph.packages[each]
                    for name in package.outputs:
                        yield from self._blocks_behind(package, name)

    # Building the layers.

    def _compile(self, graph: Graph, block: Block) -> None:
        key = _key(graph, block)
        self.layers[key], self._operations[key] = [], []
        prefix = f"{graph.name}." if graph.name else ""
        for i, layer in enumerate(block.layers):
            name = f"{prefix}{block.name}" + (f"_{i}" if len(block.layers) > 1 else "")
            with self._naming(block, key):
                self._operations[key].append(self._operation(layer, name, key))

    def _operation(self, layer: Layer, name: str, key: str) -> Operation:
        message, path = layer.message, layer.path
        if layer.kind == "keras_layer":
            return operations.apply(self._made(message, name, path, key))
        if layer.kind == "embedding_layer":
            embedding = EmbeddingLayer(message, self._seed, name)
            self.layers[key].append(embedding)
            return operations.compute(embedding.lookup)
        if layer.kind == "raw_input":
            return raw_output
        if layer.kind == "input_layer":
            return operations.compute(_same)
        if layer.function is not None:
            return operations.compute(layer.function)
        count = message.num_steps if layer.kind == "recurrent" else message.num_repeat
        copies = [
            self._made(message.keras_layer, f"{name}_{i}", f"{path}.keras_layer", key)
            for i in range(count)
        ]
        if layer.kind == "recurrent":
            fixed = message.HasField("fixed_input_index")
            return operations.recur(copies, message.fixed_input_index if fixed else None)
        axis = message.output_concat_axis if message.HasField("output_concat_axis") else None
        return operations.repeat(copies, layer.steps, axis)

    def _made(
        self, message: messages.KerasLayer, name: str, path: str, key: str
    ) -> keras.layers.Layer:
        taken = {layer.name for layers in self.layers.values() for layer in layers}
        if name in taken:
            raise ConfigError(
                Problem(
                    message=f"two layers are called {name!r}",
                    place=self._pipeline.place(path),
                    path=path,
                    remedy="rename one of the blocks; layers of a sequence end in _0, _1, …",
                )
            )
        layer = build_layer(message, name, self._pipeline, path, self._seed)
        self.layers[key].append(layer)
        return layer

    def _top_mlp(self, message: messages.MLP | None) -> MLP | None:
        if message is None:
            return None
        top = MLP(**fields_of(message), seed=self._seed, name="top_mlp")
        self.layers["top_mlp"] = [top]
        return top

    # Calling them: blocks in order, each from the results of those before it.

    def _result(self, names: Sequence[str], run: _Run) -> Any:
        graph = self.graph.main
        results = self._graph(graph, [*names, *graph.losses], run)[: len(names)]
        result = results if graph.as_list else merge(results)
        if self._top is None:
            return result
        joined = tf.concat(result, axis=-1) if operations.is_list(result) else result
        return self._top(joined, training=run.training)

    def _graph(self, graph: Graph, outputs: Iterable[str], run: _Run) -> list[Any]:
        names = list(outputs)
        values: dict[str, Any] = {}
        for block in graph.needed(names):
            key = _key(graph, block)
            own = replace(run, lengths=run.lengths.without_masks()) if block.reads_padding else run
            with self._naming(block, key):
                values[block.name] = self._block(graph, block, values, own)
            run.values[key] = values[block.name]
        return [self._named(name, values, run) for name in names]

    def _named(self, name: str, values: dict[str, Any], run: _Run) -> Any:
        return values[name] if name in values else tf.concat(run.groups.fields(name), axis=-1)

    def _block(self, graph: Graph, block: Block, values: dict[str, Any], run: _Run) -> Any:
        inputs = [self._input(graph, block, entry, values, run) for entry in handed_on(block)]
        merged = merge(inputs, block.concat_axis, block.as_list)
        value = run.lengths.carry((_key(graph, block), "inputs"), inputs, merged)
        key = _key(graph, block)
        value = self._stepped(block.extra_steps, value, (key, "extra"), run)
        for i, operation in enumerate(self._operations[key]):
            result = operation(value, run.training, run.lengths)
            value = run.lengths.carry((key, i), value, result)
        return value

    def _stepped(
        self, steps: Sequence[Callable[..., Any]], value: Any, use: tuple[Any, ...], run: _Run
    ) -> Any:
        """Returns the value after functions that are applied in turn."""
        for i, step in enumerate(steps):
            value = run.lengths.carry((*use, i), value, run.lengths.compute(step, value))
        return value

    def _input(
        self, graph: Graph, block: Block, entry: Input, values: dict[str, Any], run: _Run
    ) -> Any:
        if entry.kind == "group":
            value = self._group(graph, block, entry, run)
        elif entry.kind == "block":
            value = values[entry.name]
        elif entry.kind == "outer":
            value = run.values[entry.name]
        elif entry.kind == "package_input":
            value = _given(run)
        else:
            value = self._package(entry, values, run)
        return self._stepped(entry.steps, value, (entry.path,), run)

    def _group(self, graph: Graph, block: Block, entry: Input, run: _Run) -> Any:
        kinds = {layer.kind: layer.message for layer in block.layers}
        if "raw_input" in kinds or "embedding_layer" in kinds:
            return run.groups.raw(entry.name)
        options = entry.options
        if "input_layer" in kinds and options is None:
            options = run.options if run.options is not None else kinds["input_layer"]
        if options is None:
            return tf.concat(run.groups.fields(entry.name), axis=-1)
        if options.output_seq_and_normal_feature:
            steps, lengths, fields = run.groups.sequences(entry.name)
            run.lengths.add(steps, lengths)
            return [steps, lengths, *([tf.concat(fields, axis=-1)] if fields else [])]
        form = self._form(options, _key(graph, block), block.inputs.index(entry))
        return form(run.groups.fields(entry.name), training=run.training)

    def _form(self, options: messages.InputLayer, key: str, position: int) -> InputLayer:
        """Returns the layer that gives a group in one form; the first pass creates it."""
        use = (key, position, options.SerializeToString())
        if use not in self._forms:
            others = sum(1 for form in self._forms if form[0] == key)
            name = key.replace("/", ".") + "_input" + (f"_{others}" if others else "")
            self._forms[use] = InputLayer(options, self._seed, name)
            self.layers[key].append(self._forms[use])
        return self._forms[use]

    def _package(self, entry: Input, values: dict[str, Any], run: _Run) -> Any:
        given = None
        if entry.package_input:
            inner = [self._used(name, None, run) for name in self._given_package(entry)]
            given = inner[0] if inner else self._named(entry.package_input, values, run)
            given = self._stepped(entry.package_steps, given, (entry.path, "package"), run)
        options = run.options if entry.options is None else entry.options
        return self._used(entry.name, given, replace(run, options=options))

    def _given_package(self, entry: Input) -> list[str]:
        """Returns the package whose result is the input of a package, if it is one."""
        name = entry.package_input
        named = name in self.graph.packages and name not in self._groups
        return [name] if named and name not in self.graph.main.blocks else []

    def _used(self, name: str, given: Any, run: _Run) -> Any:
        """Returns the result of a package; in training, one that draws at random draws anew."""
        shown = b"" if run.options is None else run.options.SerializeToString()
        use = (name, id(given), shown, run.lengths.masks_steps)
        if use not in run.results or (run.training and self._draws(name)):
            package = self.graph.packages[name]
            results = self._graph(package, package.outputs, replace(run, given=given))
            # What was given is held, so that its id stays its own.
            run.results[use] = (results if package.as_list else merge(results), given)
        return run.results[use][0]

    def _draws(self, name: str) -> bool:
        """Returns whether a layer of a package, or of one that it uses, draws random numbers."""
        package = self.graph.packages[name]
        blocks = (each for out in package.outputs for each in self._blocks_behind(package, out))
        layers = (layer for each in blocks if each[0].name for layer in self.layers[_key(*each)])
        return any(SEED in variable.path for layer in layers for variable in layer.variables)

    @contextmanager
    def _naming(self, block: Block, key: str) -> Iterator[None]:
        """Turns errors of the first pass into config errors that name the block."""
        try:
            yield
        except Exception as error:
            if not self._reporting or isinstance(error, BlockError):
                raise
            problems = error.problems if isinstance(error, ConfigError) else [_problem(error)]
            raise BlockError([self._placed(each, block, key) for each in problems]) from error

    def _placed(self, problem: Problem, block: Block, key: str) -> Problem:
        path = problem.path or block.path
        message = f"block {key!r}: {problem.message}"
        return replace(problem, message=message, path=path, place=self._pipeline.place(path))


def _key(graph: Graph, block: Block) -> str:
    return f"{graph.name}/{block.name}" if graph.name else block.name


def _problem(error: Exception) -> Problem:
    """Returns the message of a TensorFlow or Keras error, without frames, colours and values."""
    shown = re.sub(_TENSOR, r"a tensor of shape \1", str(error), flags=re.DOTALL)
    text = re.sub(r"\x1b\[\d*m|\{\{.*?\}\}", "", shown).split("Arguments received by")[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("Exception encountered")]
    return Problem(" ".join(told or lines) or type(error).__name__)


_TENSOR = r"<tf\.Tensor: shape=(\([^)]*\)), dtype=\w+, numpy=[^>]*>"
# In the paths of the states of random draws.
SEED = "seed_generator"
_REMEDY = (
    "read the sequence by a layer that takes its mask: {}; in an expression, reduce the steps "
    "themselves by tf.reduce_mean, tf.reduce_sum or tf.reduce_max over axis 1, or use the lengths, "
    "entry 1 of the input_layer, in tf.sequence_mask"
)


def _readers() -> str:
    return ", ".join(sorted(name for spec in LAYERS.specs() for name in spec.masked))


def _same(value: Any) -> Any:
    return value


def _given(run: _Run) -> Any:
    if run.given is None:
        raise ConfigError(Problem("the package is used without package_input"))
    return run.given
