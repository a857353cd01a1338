"""Parses a `backbone { … }` message into a `Backbone`, with all its problems. No TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from google.protobuf.message import Message

from easyrec_lite.checks.layers import check_layer, fields_of
from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.config.expressions import Expression, compile_function, compile_slice
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem, nearest
from easyrec_lite.layers.mlp.spec import MLPSpec
from easyrec_lite.models.backbone.graph import Backbone, Block, Graph, Input, Layer, block_names
from easyrec_lite.models.backbone.order import order
from easyrec_lite.protos import messages

PATH = "model_config.backbone"
FORMS = (
    "only_output_feature_list",
    "only_output_3d_tensor",
    "output_2d_tensor_and_feature_list",
    "output_seq_and_normal_feature",
)
Blocks: TypeAlias = "messages.BackboneTower | messages.BlockPackage"
# How an embedding layer pools the vectors of a field: its combiner → that of the tables.
COMBINERS = {"weight": "sum", "sum": "sum", "mean": "mean", "sqrtn": "sqrtn"}
_SINGLE = ("input_layer", "raw_input", "embedding_layer")


def parse_backbone(pipeline: Pipeline) -> tuple[Backbone | None, list[Problem]]:
    """Returns the backbone of a config and what is wrong with it; None when it has errors.

    Problems: blocks without a name or inputs, names given twice, unknown blocks, groups, packages
    and layer classes, cycles, functions that are not allowed or take another number of arguments,
    contradicting outputs; a warning for blocks that feed no output.
    """
    parser = _BackboneParser(pipeline)
    backbone = parser.backbone(pipeline.config.model_config.backbone)
    failed = any(problem.severity == "error" for problem in parser.problems)
    return (None if failed else backbone), parser.problems


class _BackboneParser:
    """Converts messages to a graph and collects their problems."""

    def __init__(self, pipeline: Pipeline):
        self.pipeline = pipeline
        self.problems: list[Problem] = []
        model = pipeline.config.model_config
        self.groups = [group.group_name for group in model.feature_groups]
        self.packages = {package.name: package for package in model.backbone.packages}
        self.outer = [block.name for block in model.backbone.blocks]

    def report(self, path: str, message: str, **parts: str) -> None:
        place = self.pipeline.place(path)
        self.problems.append(Problem(message, place=place, path=path, **parts))

    def unknown(self, path: str, kind: str, name: str, known: Iterable[str]) -> None:
        names = list(dict.fromkeys(known))
        self.report(
            path,
            f"unknown {kind} {name!r}",
            expected="one of " + (", ".join(names) or "none: there are none"),
            found=repr(name),
            nearest=nearest(name, names),
            remedy="write feature_group_name: it is a group" if _is_group(name, kind, self) else "",
        )

    def backbone(self, message: messages.BackboneTower) -> Backbone:
        packages: dict[str, Graph] = {}
        for i, package in enumerate(message.packages):
            path = f"{PATH}.packages[{i}]"
            if package.name in packages:
                self.report(path, f"two packages are named {package.name!r}")
            packages[package.name] = self.graph(package, package.name, path)
            self.check_losses(packages[package.name])
        main = self.graph(message, "", PATH)
        uses = {each: _known(_used_packages(graph), packages) for each, graph in packages.items()}
        _, cycle = order(uses)
        if cycle:
            self.report(f"{PATH}.packages", "packages use each other: " + " → ".join(cycle))
        for graph in (*packages.values(), main):
            self.masked(graph)
        top = message.top_mlp if message.HasField("top_mlp") else None
        if top is not None:
            self.problems += MLPSpec().check_at(fields_of(top), self.pipeline, f"{PATH}.top_mlp")
        return Backbone(main, packages, top)

    # A graph.

    def graph(self, message: Blocks, name: str, path: str) -> Graph:
        names = [block.name for block in message.blocks]
        blocks: dict[str, Block] = {}
        for i, each in enumerate(message.blocks):
            block = self.block(each, names, f"{path}.blocks[{i}]", bool(name))
            if each.name in blocks:
                self.report(
                    block.path,
                    f"two blocks are named {each.name!r}",
                    found=f"the first one is at {self.pipeline.place(blocks[each.name].path)}",
                    remedy="give one of them another name",
                )
            blocks.setdefault(each.name, block)
        if not blocks:
            self.report(path, f"{_title(name)} has no blocks")
        reads = {name: _known(block_names(block), blocks) for name, block in blocks.items()}
        sequence, cycle = order(reads)
        if cycle:
            self.report(
                blocks[cycle[0]].path,
                "blocks read each other in a circle",
                found=" → ".join(cycle),
                remedy="remove one of these inputs",
            )
        outputs, as_list = self.outputs(message, blocks, path)
        losses = tuple(each for each in sequence if _is_loss(blocks[each].layers[-1:]))
        graph = Graph(name, {each: blocks[each] for each in sequence}, outputs, as_list, losses)
        self.unused(graph)
        return graph

    def masked(self, graph: Graph) -> None:
        """Warns where a layer that takes a mask reads a sequence: EasyRec gives it none."""
        for block in graph.blocks.values():
            sources = (graph.blocks.get(entry.name) for entry in block.inputs)
            if block.reads_padding or not any(map(_gives_steps, (block, *sources))):
                continue
            for layer in block.layers:
                inner = getattr(layer.message, "keras_layer", layer.message)
                name = getattr(inner, "class_name", "")
                spec = LAYERS.find(name)
                if spec is not None and name in spec.masked:
                    self.report(
                        layer.path,
                        f"{name} of block {block.name!r} reads only the real steps of its sequence",
                        severity="warning",
                        found="EasyRec's also reads the padding, so its numbers differ",
                        remedy="train the model anew rather than with weights of EasyRec; to "
                        "compare numbers, set read_padding: true",
                    )

    def outputs(
        self, message: Blocks, blocks: Mapping[str, Block], path: str
    ) -> tuple[tuple[str, ...], bool]:
        """Returns the names of the outputs, and whether they are given as a list."""
        if message.concat_blocks and message.output_blocks:
            self.report(
                f"{path}.output_blocks",
                "both concat_blocks and output_blocks are set",
                remedy="output_blocks gives a list, concat_blocks one tensor: keep one",
            )
        for kind in ("concat_blocks", "output_blocks"):
            names = list(getattr(message, kind))
            for i, name in enumerate(names):
                if name not in blocks and name not in self.groups:
                    self.unknown(f"{path}.{kind}[{i}]", "block", name, [*blocks, *self.groups])
            if names:
                return tuple(names), kind == "output_blocks"
        read = {name for block in blocks.values() for name in block_names(block)}
        leaves = (name for name in blocks if name not in read)
        return tuple(name for name in leaves if not _is_loss(blocks[name].layers)), False

    def unused(self, graph: Graph) -> None:
        needed = {block.name for block in graph.needed([*graph.outputs, *graph.losses])}
        for block in graph.blocks.values():
            if block.name not in needed and not self.problems:
                self.report(
                    block.path,
                    f"block {block.name!r} feeds no output of {_title(graph.name)}",
                    severity="warning",
                    remedy="remove it, or name it in output_blocks",
                )

    # A block.

    def block(
        self, message: messages.Block, names: Collection[str], path: str, in_package: bool
    ) -> Block:
        if not message.name or "/" in message.name:
            self.report(path, f"{message.name!r} cannot be a block's name", expected="no '/' in it")
        inputs = tuple(
            self.input(each, message.name, names, f"{path}.inputs[{i}]", in_package)
            for i, each in enumerate(message.inputs)
        )
        if all(entry.ignored for entry in inputs):
            self.report(
                path,
                f"block {message.name!r} has no inputs",
                expected="inputs { feature_group_name, block_name or package_name }",
            )
        block = Block(
            name=message.name,
            path=path,
            inputs=inputs,
            layers=tuple(self.layers(message, path)),
            concat_axis=message.input_concat_axis,
            as_list=message.merge_inputs_into_list,
            extra_steps=self.functions(message, path, "extra_input_fn"),
            reads_padding=message.read_padding,
        )
        if block.reads_padding:
            self.report(
                f"{path}.read_padding",
                f"block {block.name!r} reads the padding of its sequence: the results of a row "
                "depend on the longest row of its batch, also when they are served",
                severity="warning",
                remedy="use it only to compare numbers with EasyRec's",
            )
        self.check_kind(block)
        return block

    def check_kind(self, block: Block) -> None:
        kinds = [layer.kind for layer in block.layers if layer.kind in _SINGLE]
        groups = [entry for entry in block.inputs if entry.kind == "group"]
        if not kinds or kinds == ["embedding_layer"]:
            return
        if len(block.inputs) != 1 or len(groups) != 1:
            self.report(
                block.path,
                f"{kinds[0]} of block {block.name!r} reads one feature group",
                expected="one inputs { feature_group_name: … }",
                found=f"{len(block.inputs)} inputs, {len(groups)} of them feature groups",
            )

    def input(
        self,
        message: messages.Input,
        block: str,
        names: Collection[str],
        path: str,
        in_package: bool,
    ) -> Input:
        kind = message.WhichOneof("name")
        name = getattr(message, kind) if kind not in (None, "use_package_input") else ""
        if kind is None:
            self.report(
                path,
                f"an input of block {block!r} names nothing",
                expected="feature_group_name, block_name, package_name or use_package_input",
            )
        elif kind == "use_package_input" and not in_package:
            self.report(path, f"block {block!r} is in no package: it has no package input")
        elif kind == "feature_group_name" and name not in self.groups:
            self.unknown(f"{path}.{kind}", "feature group", name, self.groups)
        elif kind == "block_name" and name not in names:
            if not in_package or name not in self.outer:
                known = [*names, *self.outer] if in_package else names
                self.unknown(f"{path}.{kind}", "block", name, known)
        elif kind == "package_name" and name not in self.packages:
            self.unknown(f"{path}.{kind}", "package", name, self.packages)
        self.check_input_options(message, kind, names, path)
        if message.HasField("reset_input"):
            self.check_input_layer(message.reset_input, f"{path}.reset_input")
        outer = kind == "block_name" and in_package and name not in names
        of_package = kind == "package_name" and not in_package
        return Input(
            kind="outer" if outer else _KINDS[kind],
            name=name,
            path=path,
            steps=self.slices(message, path) + self.functions(message, path, "input_fn"),
            slice="?" if message.input_fn else message.input_slice.replace(" ", ""),
            ignored=message.ignore_input,
            options=message.reset_input if message.HasField("reset_input") else None,
            package_input=message.package_input,
            package_steps=self.functions(message, path, "package_input_fn"),
            outer=tuple(self.outer_reads([name, message.package_input])) if of_package else (),
        )

    def outer_reads(self, packages: Iterable[str]) -> list[str]:
        """Returns the blocks of the backbone itself that packages read, also by other packages."""
        reads, waiting, seen = list[str](), list(packages), set[str]()
        while waiting:
            package = self.packages.get(name := waiting.pop())
            if package is None or name in seen:
                continue
            seen.add(name)
            own = {block.name for block in package.blocks}
            for entry in (entry for block in package.blocks for entry in block.inputs):
                waiting += [entry.package_name, entry.package_input]
                if entry.block_name in self.outer and entry.block_name not in own:
                    reads.append(entry.block_name)
        return reads

    def check_losses(self, package: Graph) -> None:
        """Reports a loss in a package, which the backbone would not find."""
        for name in package.losses:
            self.report(
                package.blocks[name].path,
                f"block {name!r} of package {package.name!r} gives a loss",
                expected="losses as blocks of the backbone itself",
                remedy="move the block out of the package",
            )

    def check_input_options(
        self, message: messages.Input, kind: str | None, names: Collection[str], path: str
    ) -> None:
        for option in ("package_input", "package_input_fn"):
            if getattr(message, option) and kind != "package_name":
                self.report(f"{path}.{option}", f"{option} goes with package_name alone")
        if message.HasField("reset_input") and kind not in ("feature_group_name", "package_name"):
            self.report(f"{path}.reset_input", "reset_input is for feature groups and packages")
        given = message.package_input
        inputs = [*names, *self.groups, *self.packages]
        if given and given not in inputs:
            self.unknown(f"{path}.package_input", "block", given, inputs)

    # Layers and functions.

    def layers(self, message: messages.Block, path: str) -> Iterable[Layer]:
        single = message.WhichOneof("layer")
        if single and message.layers:
            self.report(
                f"{path}.{single}",
                f"block {message.name!r} has both layers and a single {single}",
                remedy="put it into layers { … }, or remove the others",
            )
        if single:
            yield self.layer(message, single, f"{path}.{single}")
        for i, each in enumerate(message.layers):
            kind = each.WhichOneof("layer")
            if kind is None:
                self.report(f"{path}.layers[{i}]", f"layer {i} of {message.name!r} is empty")
            else:
                yield self.layer(each, kind, f"{path}.layers[{i}].{kind}")

    def layer(self, owner: messages.Block | messages.Layer, kind: str, path: str) -> Layer:
        message = getattr(owner, kind)
        if kind == "input_layer":
            self.check_input_layer(message, path)
        if kind == "embedding_layer" and message.combiner not in COMBINERS:
            self.unknown(f"{path}.combiner", "combiner", message.combiner, COMBINERS)
        if kind == "lambda":
            functions = self.functions(message, path, "expression")
            return Layer(kind, message, path, function=functions[0] if functions else None)
        if kind == "keras_layer":
            self.problems += check_layer(message, self.pipeline, path)
        elif kind in ("recurrent", "repeat"):
            self.problems += check_layer(message.keras_layer, self.pipeline, f"{path}.keras_layer")
        steps: tuple[Callable[..., Any], ...] = ()
        if kind == "repeat":
            steps = self.slices(message, path, ("i",))
            steps += self.functions(message, path, "input_fn", arities=(1, 2))
        return Layer(kind, message, path, steps=steps)

    def check_input_layer(self, message: messages.InputLayer, path: str) -> None:
        """Reports an `InputLayer` message with several forms, or with rates that are no shares."""
        for field in ("dropout_rate", "feature_dropout_rate"):
            rate = getattr(message, field)
            if not 0 <= rate < 1:
                expected = "at least 0, less than 1"
                self.report(f"{path}.{field}", f"{field} is {rate:g}", expected=expected)
        forms = [form for form in FORMS if getattr(message, form)]
        if len(forms) > 1:
            self.report(path, "several forms of one input", found=", ".join(forms))

    def slices(
        self, message: messages.Input | messages.RepeatLayer, path: str, more: Sequence[str] = ()
    ) -> tuple[Callable[..., Any], ...]:
        text, path = message.input_slice, f"{path}.input_slice"
        if not text:
            return ()
        try:
            return (compile_slice(text, self.pipeline.place(path), path, more),)
        except ConfigError as error:
            self.problems += error.problems
            return ()

    def functions(
        self, message: Message, path: str, name: str, arities: Sequence[int] = (1,)
    ) -> tuple[Callable[..., Any], ...]:
        text, path = getattr(message, name), f"{path}.{name}"
        if not text and name != "expression":
            return ()
        try:
            function = compile_function(text, self.pipeline.place(path), path)
        except ConfigError as error:
            self.problems += error.problems
            return ()
        if isinstance(function, Expression) and len(function.arguments) not in arities:
            self.report(
                path,
                "a function of another number of arguments",
                expected=" or ".join(str(arity) for arity in arities),
                found=f"{len(function.arguments)}: {text}",
            )
        return (function,)


_KINDS: Mapping[str | None, Any] = {
    None: "group",
    "feature_group_name": "group",
    "block_name": "block",
    "package_name": "package",
    "use_package_input": "package_input",
}


def _is_loss(layers: Sequence[Layer]) -> bool:
    """Returns whether the result of these layers is a loss."""
    specs = (
        LAYERS.find(layer.message.class_name) for layer in layers if layer.kind == "keras_layer"
    )
    return any(spec is not None and spec.gives_loss for spec in specs)


def _gives_steps(block: Block | None) -> bool:
    layers = () if block is None else block.layers
    return any(
        layer.kind == "input_layer" and layer.message.output_seq_and_normal_feature
        for layer in layers
    )


def _is_group(name: str, kind: str, parser: _BackboneParser) -> bool:
    return kind == "block" and name in parser.groups


def _known(names: Iterable[str], known: Collection[str]) -> list[str]:
    return [name for name in names if name in known]


def _used_packages(graph: Graph) -> list[str]:
    inputs = [entry for block in graph.blocks.values() for entry in block.inputs]
    names = [entry.name for entry in inputs if entry.kind == "package"]
    return names + [entry.package_input for entry in inputs if entry.package_input]


def _title(package: str) -> str:
    return f"package {package!r}" if package else "the backbone"
