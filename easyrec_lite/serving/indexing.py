"""Adds an index of the item vectors to an export, measured with real users."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import DataError
from easyrec_lite.core.files import atomic_file
from easyrec_lite.data.readers.base import open_reader
from easyrec_lite.data.readers.iterate import column_batches
from easyrec_lite.models.retrieval.task import USER_TOWER, USER_VECTORS
from easyrec_lite.serving.checksums import fingerprint
from easyrec_lite.serving.folders import checked_export
from easyrec_lite.serving.index import INDEX, IndexReport, IndexTuning, build_index, require_faiss
from easyrec_lite.serving.item_vectors import IDS, VECTORS, read_vectors
from easyrec_lite.serving.list_inputs import ListInputs
from easyrec_lite.serving.manifest import rewrite_manifest
from easyrec_lite.serving.saved_model import SavedModel

log = logging.getLogger(__name__)


def index_export(pipeline: Pipeline, saved_model: Path, tuning: IndexTuning) -> IndexReport:
    """Adds an index to a finished export, or replaces it; the export is complete at any moment.

    Args:
      pipeline: the config.
      saved_model: an export, or a folder of exports, or a model folder.
      tuning: the target.

    Raises:
      ConfigError: there is no export, it has no items, or faiss is not installed.
      DataError: a file of the export is missing or damaged, or the queries cannot be read.
    """
    folder, manifest = checked_export(saved_model, [USER_TOWER, VECTORS, IDS])
    with atomic_file(folder / INDEX) as aside:
        report = index_items(pipeline, folder, aside, tuning)
        files = {name: known for name, known in manifest["files"].items() if name != INDEX}
        rewrite_manifest(folder, {**manifest, "index": None, "files": files})
    files[INDEX] = fingerprint(folder / INDEX)
    rewrite_manifest(folder, {**manifest, "index": report.as_dict(), "files": files})
    return report


def index_items(pipeline: Pipeline, folder: Path, path: Path, tuning: IndexTuning) -> IndexReport:
    """Writes an index of the item vectors in `folder`, an unfinished export, to `path`."""
    require_faiss()
    queries, origin = query_vectors(pipeline, folder, tuning.queries, tuning.query_path)
    return build_index(path, read_vectors(folder), queries, origin, tuning)


def query_vectors(
    pipeline: Pipeline, folder: Path, count: int, path: str = ""
) -> tuple[np.ndarray, str]:
    """Returns vectors float32 [Q, D] or [Q, K, D] to search with, Q ≤ `count`, and what they are.

    They are the users of the first rows in `path`, else in the config's evaluation data, else in
    its training data. If the config's data cannot be read, item vectors are used instead.

    Args:
      pipeline: the config.
      folder: an export with a user tower and item vectors.
      count: the largest number to return.
      path: data in the config's input format; '' for the config's own.

    Raises:
      DataError: `path` cannot be read, or has no rows.
    """
    config = pipeline.config
    own = [config.eval_input_path, config.parquet_eval_input]
    own += [config.train_input_path, config.parquet_train_input]
    for file in [path] if path else filter(None, own):
        try:
            return _user_vectors(pipeline, folder, count, file), f"users in {file}"
        except DataError as error:
            if path:
                raise
            log.warning("no users to measure the index with in %s:\n%s", file, error)
    vectors = read_vectors(folder)
    spread = np.linspace(0, len(vectors) - 1, min(count, len(vectors))).astype(np.int64)
    return vectors[spread], "items, as there are no users"


def _user_vectors(pipeline: Pipeline, folder: Path, count: int, path: str) -> np.ndarray:
    tower = SavedModel(folder / USER_TOWER)
    reader = open_reader(pipeline, path, training=True, columns=list(tower.inputs))
    raw = next(column_batches(reader, count))  # a reader for training has rows
    lists = ListInputs(pipeline)
    inputs = {name: lists.given(name, raw[name], spec) for name, spec in tower.inputs.items()}
    return tower(**inputs)[USER_VECTORS].numpy()
