"""Rules about the files that a config names beside its data; they look at the disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from easyrec_lite.checks.view import View
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import Problem
from easyrec_lite.core.files import missing
from easyrec_lite.core.input_paths import path_parts

Problems = Iterator[Problem]
DATA_PATHS = ("train_input_path", "eval_input_path", "parquet_train_input", "parquet_eval_input")


def tables(view: View) -> Iterator[tuple[str, str]]:
    """Yields (config path, input path) of the tables of the sampler and of the full ranking."""
    if view.sampler and view.sampler_spec:
        for field, path in view.sampler_spec.files(view.sampler.config):
            yield f"{view.sampler.path}.{field}", path
    if view.config.eval_config.full_ranking.item_path:
        path = "eval_config.full_ranking.item_path"
        yield path, view.config.eval_config.full_ranking.item_path


def single_files(view: View) -> Iterator[tuple[str, str]]:
    """Yields (config path, file) of vocabularies and exported assets."""
    for feature in view.features:
        if feature.config.vocab_file:
            yield f"{feature.path}.vocab_file", feature.config.vocab_file
    for index, file in enumerate(view.config.export_config.asset_files):
        yield f"export_config.asset_files[{index}]", file


def inputs(view: View) -> Iterator[tuple[str, str]]:
    """Yields (config path, file, folder or pattern) for all that training and evaluation read."""
    ranking = view.config.eval_config.full_ranking
    data = [(path, getattr(view.config, path)) for path in DATA_PATHS]
    data += [("eval_config.full_ranking.seen_path", ranking.seen_path), *tables(view)]
    for path, value in data:
        yield from ((path, part.strip()) for part in value.split(",") if part.strip())
    if view.config.train_config.fine_tune_checkpoint:
        yield "train_config.fine_tune_checkpoint", view.config.train_config.fine_tune_checkpoint
    yield from single_files(view)


def existing(view: View) -> Problems:
    """The files are there."""
    named = [(path, file, fs.is_file(file)) for path, file in dict(single_files(view)).items()]
    named += [
        (path, part, bool(files))
        for path, value in tables(view)
        for part, files in path_parts(value) or [(value, [])]
    ]
    for path, file, found in named:
        if not found:
            yield dataclasses.replace(
                missing(file), message=f"no such file: {file}", place=view.place(path), path=path
            )


RULES = (existing,)
