"""Checks of the layers of a backbone that read a sequence, by what they read. No TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.layers import arguments
from easyrec_lite.checks.specs.layer import LAYERS, SequenceInput
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem
from easyrec_lite.models.backbone.graph import Backbone, Block, Graph, Input, handed_on

# Parts of the result of an input_layer that are its sequence, with its lengths or not.
_STEPS = ("[0]", "[:1]", "[:2]", "[0:1]", "[0:2]")


def check_sequences(view: View, backbone: Backbone) -> Iterator[Problem]:
    """Yields what is wrong with the sequences that layers read, where their group is known.

    That is the case for the first layer of a block that reads an input_layer or a raw_input block,
    in full or by one of a few slices, itself or as the input of a package.
    """
    for graph in (backbone.main, *backbone.packages.values()):
        for block in graph.blocks.values():
            first = block.layers[0] if block.layers else None
            if first is None or first.kind != "keras_layer":
                continue
            spec, seen = LAYERS.spec(first.message.class_name), set[Problem]()
            for read in _read(backbone, graph, block, view):
                for problem in spec.reads(arguments(first.message), read):
                    params = first.message.WhichOneof("params")
                    path = ".".join(filter(None, (first.path, params, problem.path)))
                    message = f"{first.message.class_name} of block {block.name!r}: "
                    place = view.place(path)
                    told = replace(
                        problem, message=message + problem.message, path=path, place=place
                    )
                    if told not in seen:
                        seen.add(told)
                        yield told


def _read(backbone: Backbone, graph: Graph, block: Block, view: View) -> Iterator[SequenceInput]:
    """Yields what `block` reads at each of its uses; nothing where that is not known."""
    entries = handed_on(block)
    if len(entries) != 1 or block.extra_steps or entries[0].slice not in ("", *_STEPS):
        return
    (entry,) = entries
    for source in _sources(backbone, graph, entry):
        group = source.inputs[0].name
        kinds = {layer.kind: layer.message for layer in source.layers}
        features = view.feature_groups.get(group, ())
        steps = [feature for feature in features if feature.stays_sequence]
        if "raw_input" in kinds:
            named = tuple(_vocabulary(feature) for feature in features)
            yield SequenceInput(group, 0, 0, _longest(steps), _tokens(features), named)
        elif "input_layer" in kinds and kinds["input_layer"].output_seq_and_normal_feature:
            others = [feature for feature in features if not feature.stays_sequence]
            target = 0 if entry.slice else sum(feature.width for feature in others)
            width = sum(feature.dim for feature in steps)
            yield SequenceInput(group, width, target, _longest(steps))


def _sources(backbone: Backbone, graph: Graph, entry: Input) -> Iterator[Block]:
    """Yields the blocks that read feature groups and whose results `entry` is, unchanged."""
    if entry.kind == "block" and entry.name in graph.blocks:
        yield graph.blocks[entry.name]
    elif entry.kind == "package_input":
        for user in (backbone.main, *backbone.packages.values()):
            for block in user.blocks.values():
                for use in block.inputs:
                    given = use.package_input
                    if use.name == graph.name and given in user.blocks and not use.package_steps:
                        yield user.blocks[given]


def _longest(steps: Sequence[Feature]) -> float:
    """Returns how many steps a row of sequences has at most."""
    limits = [feature.config.max_seq_len or float("inf") for feature in steps]
    return max(limits, default=float("inf"))


def _tokens(features: Sequence[Feature]) -> int:
    """Returns the largest number of ids of sequences; 0 if there are others among the features."""
    if not all(feature.stays_sequence and feature.reads_ids for feature in features):
        return 0
    return max((feature.known_rows or 1 for feature in features), default=0)


def _vocabulary(feature: Feature) -> str:
    """Returns the vocabulary of a feature, "" if it has none."""
    config = feature.config
    return config.vocab_file or ("a vocab_list" if config.vocab_list else "")
