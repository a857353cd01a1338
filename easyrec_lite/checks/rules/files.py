"""Rules about the files that a config names beside its data; they look at the disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from easyrec_lite.checks.view import View
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import Problem
from easyrec_lite.core.files import missing

Problems = Iterator[Problem]
DATA_PATHS = ("train_input_path", "eval_input_path", "parquet_train_input", "parquet_eval_input")


def named_files(view: View) -> Iterator[tuple[str, str]]:
    """Yields (config path, file) for vocabularies, item tables and exported assets."""
    for feature in view.features:
        if feature.config.vocab_file:
            yield f"{feature.path}.vocab_file", feature.config.vocab_file
    if view.sampler and view.sampler_spec:
        for field, path in view.sampler_spec.files(view.sampler.config):
            yield f"{view.sampler.path}.{field}", path
    if view.config.eval_config.full_ranking.item_path:
        path = "eval_config.full_ranking.item_path"
        yield path, view.config.eval_config.full_ranking.item_path
    for index, file in enumerate(view.config.export_config.asset_files):
        yield f"export_config.asset_files[{index}]", file


def inputs(view: View) -> Iterator[tuple[str, str]]:
    """Yields (config path, file, folder or pattern) for all that training and evaluation read."""
    for path in (
        "train_input_path",
        "eval_input_path",
        "parquet_train_input",
        "parquet_eval_input",
    ):
        for part in getattr(view.config, path).split(","):
            if part.strip():
                yield path, part.strip()
    if view.config.train_config.fine_tune_checkpoint:
        yield "train_config.fine_tune_checkpoint", view.config.train_config.fine_tune_checkpoint
    yield from named_files(view)


def existing(view: View) -> Problems:
    """The files are there."""
    for path, file in dict(named_files(view)).items():
        if not fs.is_file(file):
            problem = missing(file)
            yield dataclasses.replace(
                problem,
                message=f"no such file: {file}",
                place=view.place(path),
                path=path,
            )


RULES = (existing,)
