"""What a cache's rows follow from: the data files, the config's parts that shape them, the code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import tensorflow as tf
from google.protobuf.message import Message

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.sampler import SAMPLERS
from easyrec_lite.data.cache.folders import stamps
from easyrec_lite.protos.messages import DatasetConfig

# Fields that decide on the order or number of rows, or on what happens to them later.
NOT_OF_DATA = (
    "batch_size eval_batch_size drop_remainder num_epochs shuffle shuffle_buffer_size "
    "prefetch_size num_parallel_calls cache shard file_shard chief_redundant"
)
NOT_OF_FEATURES = "embedding_name embedding_dim initializer ev_params max_partitions"
CODE = ("checks", "config", "data", "features")


def key(
    data_config: DatasetConfig,
    files: Sequence[str],
    features: Mapping[str, Feature],
    columns: Iterable[str],
    lookups: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Returns everything that a cache's rows follow from, as plain data.

    Args:
      data_config: the config's message.
      files: the data files, in order.
      features: the features whose values are stored.
      columns: the raw columns that are stored.
      lookups: as of `Sampler.describe`.
    """
    return {
        "files": stamps(files),
        "data_config": _digest(data_config, [*NOT_OF_DATA.split(), *SAMPLERS.names()]),
        "features": {name: _feature(feature) for name, feature in sorted(features.items())},
        "columns": sorted(columns),
        "lookups": dict(lookups),
        "code": _code(),
        "tensorflow": tf.__version__,
    }


def name_of(key: Mapping[str, Any]) -> str:
    """Returns the name of a key's folder."""
    text = json.dumps(key, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _digest(message: Message, left_out: Iterable[str]) -> str:
    copy = type(message)()
    copy.CopyFrom(message)
    for field in left_out:
        copy.ClearField(field)
    return hashlib.sha256(copy.SerializePartialToString(deterministic=True)).hexdigest()


def _feature(feature: Feature) -> str:
    digest = _digest(feature.config, NOT_OF_FEATURES.split())
    if not feature.config.vocab_file:
        return digest
    vocabulary = json.dumps(feature.vocabulary).encode()
    return f"{digest} {hashlib.sha256(vocabulary).hexdigest()}"


@cache
def _code() -> str:
    """Returns a digest of the modules that read and transform rows: a version no one forgets."""
    found = hashlib.sha256()
    package = resources.files("easyrec_lite")
    for folder in CODE:
        for file in _modules(package / folder):
            found.update(file.read_bytes())
    found.update((package / "training" / "input.py").read_bytes())
    return found.hexdigest()


def _modules(folder: Any) -> Iterable[Any]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from _modules(item)
        elif item.name.endswith(".py"):
            yield item
