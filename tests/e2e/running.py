"""How the tests of whole runs set up a config, run a command, and read what came out."""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.checks.check import load_config
from easyrec_lite.config import Pipeline
from easyrec_lite.datasets.taobao_layout import COLUMNS

LISTWISE = "dssm_senet_on_taobao.config"
POINTWISE = "dssm_senet_on_taobao_pointwise.config"
SENET_BACKBONE = "dssm_senet_on_taobao_backbone.config"
PARALLEL = "parallel_dssm_on_taobao_backbone.config"
DAT = "dat_on_taobao.config"
SAMPLER = "data_config.negative_sampler.input_path"
# The features of models that are quick to build and to compile.
USER_FEATURES = ["user_id", "age_level", "tag_brand_list"]
ITEM_FEATURES = ["adgroup_id", "brand"]


def few_features(user: str = "0", item: str = "1") -> dict[str, Any]:
    """Returns the edits that leave few features in the feature groups at these indices."""
    sides = ((user, USER_FEATURES), (item, ITEM_FEATURES))
    return {f"model_config.feature_groups[{at}].feature_names": names for at, names in sides}


def edits(name: str, data: Path, model_dir: Path, **more: Any) -> dict[str, Any]:
    """Returns the edits that put shipped config `name` on the rows and items in `data`.

    Args:
      name: the config; a pointwise one reads all rows, any other the clicked ones.
      data: a folder as `easyrec_lite.datasets taobao-synthetic` makes it.
      model_dir: where the run goes.
      more: further edits, `train_config__num_steps=3` for `train_config.num_steps`.
    """
    rows = "" if name == POINTWISE else "_clicked"
    found: dict[str, Any] = {
        "train_input_path": str(data / f"train{rows}.csv"),
        "eval_input_path": str(data / f"test{rows}.csv"),
        "model_dir": str(model_dir),
    }
    if name != POINTWISE:
        found[SAMPLER] = str(data / "items.txt")
    return {**found, **{path.replace("__", "."): value for path, value in more.items()}}


def pipeline(name: str, data: Path, model_dir: Path, **more: Any) -> Pipeline:
    """Returns the checked config with `edits`."""
    return load_config(name, edits(name, data, model_dir, **more))


def command(
    module: str,
    *arguments: object,
    cwd: Path | None = None,
    limit: Callable[[], None] | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs `python -m easyrec_lite.MODULE ARGUMENTS` as a user would; the caller looks at it."""
    return subprocess.run(
        [sys.executable, "-m", f"easyrec_lite.{module}", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        env={**os.environ, **(environment or {})},
        check=False,
    )


def flags(name: str, changes: Mapping[str, Any]) -> list[str]:
    """Returns the command-line flags for config `name` with `changes`."""
    top = {"model_dir", "train_input_path", "eval_input_path", "fine_tune_checkpoint"}
    return [
        f"--config={name}",
        *(f"--{path}={value}" for path, value in changes.items() if path in top or "." in path),
    ]


def read_rows(path: Path) -> dict[str, np.ndarray]:
    """Returns Taobao's 20 columns of a CSV file as arrays of text [R]."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    return {name: np.array([row[at] for row in table]) for at, name in enumerate(COLUMNS)}


def read_items(path: Path, fields: list[str]) -> dict[str, np.ndarray]:
    """Returns the columns `fields` (the sampler's `attr_fields`) of an item table, text [M]."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    attributes = [line.split("\t")[2].split(":") for line in lines]
    return {name: np.array([row[at] for row in attributes]) for at, name in enumerate(fields)}


class SavedModel:
    """A SavedModel called with columns of text, `folder/scorer` and the like."""

    def __init__(self, folder: Path):
        self._owner = tf.saved_model.load(str(folder))
        self._function = self._owner.signatures["serving_default"]
        self.inputs = self._function.structured_input_signature[1]

    def __call__(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        fed = {name: _tensor(columns[name], spec.dtype) for name, spec in self.inputs.items()}
        return {name: value.numpy() for name, value in self._function(**fed).items()}


def _tensor(column: np.ndarray, dtype: tf.DType) -> tf.Tensor:
    text = tf.constant(column.astype(str))
    return text if dtype == tf.string else tf.strings.to_number(text, dtype)


def checkpoint_values(prefix: str | None) -> dict[str, np.ndarray]:
    """Returns every variable of a checkpoint by its name."""
    reader = tf.train.load_checkpoint(prefix)
    names = reader.get_variable_to_shape_map()
    return {name: reader.get_tensor(name) for name in names if "VARIABLE_VALUE" in name}
