"""The golden cases as inputs of a model: ids to values, weights by our names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.config import load
from easyrec_lite.data.values import Bags, FeatureValue, Ids
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.models.backbone.groups import EmbeddedGroups
from easyrec_lite.models.base import Outputs
from easyrec_lite.models.retrieval.match_model.model import MatchModel
from easyrec_lite.training.optimizers import Optimizer
from easyrec_lite.training.step import Trainer

ROWS = 64
# EasyRec ignores l2_regularization in backbones, and its Adam moves every row of a table.
EDITS = {
    "model_config.model_params.l2_regularization": 0.0,
    "train_config.optimizer_config[0].adam_optimizer.decay_all_rows": True,
}


def arrays(folder: Path, name: str) -> dict[str, np.ndarray]:
    with np.load(folder / f"{name}.npz") as stored:
        return {key: stored[key] for key in stored.files}


def value(ids: np.ndarray) -> FeatureValue:
    if ids.ndim == 1:
        return Ids(tf.constant(ids))
    rows = [[number for number in row if number >= 0] for row in ids.tolist()]
    return Bags(tf.ragged.constant(rows, ragged_rank=1, dtype=tf.int64))


def batch(folder: Path) -> Batch:
    ids = arrays(folder, "ids")
    return Batch(
        features={name: value(each[:ROWS]) for name, each in ids.items()},
        labels={"clk": tf.ones([ROWS])},
        negatives={name: value(each[ROWS:]) for name, each in ids.items() if len(each) > ROWS},
    )


class OracleModel(MatchModel):
    """MatchModel with EasyRec's softmax loss.

    That is `−log(p + 1e-12)`, which stops learning where p is tiny; ours does not.
    """

    def listwise_losses(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the losses as the oracle computed them."""
        chance = tf.linalg.diag_part(tf.nn.softmax(self.logits(outputs, batch)))
        loss = -tf.reduce_mean(tf.math.log(chance + 1e-12))
        return {**super().listwise_losses(outputs, batch), "cross_entropy_loss": loss}


class Golden:
    """A golden case, our model of its config, and which variable of ours is which of its.

    Args:
      folder: the case.
      groups: for `input_layer`, `input_layer_1`, … the feature group that it holds the tables of.
    """

    def __init__(self, folder: Path, groups: list[str]):
        self.folder = folder
        self.groups = groups
        self.learnt = json.loads((folder / "meta.json").read_text())["trainable"]
        self.stored = arrays(folder, "vars")
        config = load(str(folder / "pipeline.config"), EDITS).config
        self.model = OracleModel(config, GroupEmbeddings(config, 1), 1)
        self.batch = batch(folder)
        self.ours = self.model.variables_by_name()
        self.reset()

    def reset(self) -> None:
        """Gives every variable its golden value, moving statistics included."""
        for theirs, weights in self.stored.items():
            self.ours[self.name(theirs)].assign(weights)

    def name(self, theirs: str) -> str:
        """Returns our name of one of its variables."""
        table = re.fullmatch(r"input_layer(?:_(\d+))?/(\w+)_embedding/embedding_weights", theirs)
        if table:
            return f"{self.groups[int(table[1] or 0)]}/{table[2]}/embedding"
        name = theirs.removeprefix("backbone/")
        name = re.sub(r"(layer_\d+)/dense/", r"\1/", name)
        name = re.sub(r"/dense_\d+/", "/dense/", name)
        name = name.replace("/cin_kernel", "/kernel").replace("/cin_bias", "/bias")
        return name.replace("/W1/", "/reduce/").replace("/W2/", "/excite/")

    def forward(self, training: bool) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Returns predictions, losses and the gradients of their sum, by our names."""
        self.reset()
        with tf.GradientTape() as tape:
            outputs = self.model(self.batch, training)
            losses = self.model.losses(outputs, self.batch)
            losses["total_loss"] = tf.add_n(list(losses.values()))
        gradients = tape.gradient(losses["total_loss"], self.model.trainable)
        dense = {name: tf.convert_to_tensor(each) for name, each in gradients.items()}
        predictions = dict(outputs.predictions)
        predictions["logits"] = self.model.logits(outputs, self.batch)
        return predictions, losses, dense

    def train(self, steps: int) -> Iterator[tuple[dict[str, tf.Tensor], dict[str, tf.Variable]]]:
        """Yields the losses before, and the variables after, each training step."""
        self.reset()
        config = self.model.config.train_config
        optimizer = Optimizer(config, self.model.trainable, set(self.model.tables))
        trainer = Trainer(self.model, optimizer)
        batch = self.batch._replace(position=tf.constant([0, ROWS], tf.int64))
        step = tf.function(trainer.train_step)
        for _ in range(steps):
            yield step(batch), self.ours

    def blocks(self, training: bool) -> dict[str, tf.Tensor]:
        """Returns every block's output, lists as `block/01/02` like the golden keys."""
        self.reset()
        features = {name: value(rows) for name, rows in arrays(self.folder, "ids").items()}
        groups = EmbeddedGroups(self.model.embeddings, features, training)
        found: dict[str, tf.Tensor] = {}
        for block, output in self.model.backbone.values(groups, training).items():
            _flatten(block, output, found)
        return found


def _flatten(name: str, output: Any, into: dict[str, tf.Tensor]) -> None:
    if isinstance(output, list | tuple):
        for i, part in enumerate(output):
            _flatten(f"{name}/{i:02d}", part, into)
    else:
        into[name] = output


def close(found: Any, expected: np.ndarray, tolerance: float, what: str) -> float:
    """Asserts a largest difference below `tolerance` of the largest number; returns their ratio."""
    found = np.asarray(found)
    assert found.shape == expected.shape, what
    scale = max(float(np.max(np.abs(expected))), 1e-30)
    error = float(np.max(np.abs(found - expected))) / scale
    assert error < tolerance, f"{what}: {error:.2e}"
    return error
