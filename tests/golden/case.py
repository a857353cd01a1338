"""A golden case: what EasyRec computed for a config, and our model of it with its weights."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from easyrec_lite.config import Pipeline, load
from easyrec_lite.data.rows.values import FeatureValue, concat_rows
from easyrec_lite.features.batch import Batch
from easyrec_lite.models.assembly import build
from easyrec_lite.models.retrieval.multi_tower_recall.model import MultiTowerRecall
from easyrec_lite.training.input import BatchInput, ReadPlan
from easyrec_lite.training.optimizer import Optimizer
from easyrec_lite.training.step import Trainer
from tests.golden.draws import use_draws, with_drawn
from tests.golden.hard_pairs import first_edges, repeated
from tests.golden.names import Lookup, group_of_table, variable_names
from tests.golden.oracle import EasyRecLosses
from tests.golden.pairs import Pair
from tests.golden.stored import Arrays, Stored

Computed = TypeVar("Computed")
# Cases whose user tower attends with keys of the item.
LEAKING = ("dssm_sequence",)
# Blocks whose layers read padding in EasyRec: their numbers are compared with `read_padding`.
READS_PADDING = ("din", "mha", "mha_mean", "attention", "attention_max", "gru", "BST")
FILES = ("rows.csv", "pipeline.config", "ids.npz", "meta.json")


def case_folders(root: Path) -> list[Path]:
    """Returns the folders below `root`, in order; each is a case."""
    if not root.is_dir():
        return []
    return sorted(f for f in root.iterdir() if f.is_dir() and not f.name.startswith((".", "_")))


class Case:
    """One case.

    Args:
      folder: holds `FILES` and EasyRec's numbers; see `Stored`.

    Attributes:
      pipeline: its config, with the paths made absolute; see `_edits`.
      parts: what is built of it.
      model: the model; its losses are EasyRec's.
      batch: all rows of rows.csv, as the real input pipeline gives them; see `repeated` and
        `with_drawn`.
      rows: B, how many those are.
      learnt: EasyRec's names of the trainable variables.
      names: EasyRec's name of each variable → ours.
      ours: our variables by name.
    """

    def __init__(self, folder: Path):
        missing = [name for name in FILES if not (folder / name).is_file()]
        assert not missing, f"{folder} is no complete golden case: it lacks {', '.join(missing)}"
        self.folder = folder
        self.stored = Stored(folder)
        meta = json.loads((folder / "meta.json").read_text())
        self.rows: int = meta["batch"]
        self.learnt: list[str] = meta["trainable"]
        path = folder / "pipeline.config"
        self._made = TemporaryDirectory()
        edits = _edits(folder, load(path).config, Path(self._made.name))
        self.pipeline: Pipeline = load(path, edits)
        self.parts = build(self.pipeline)
        use_draws(self.parts.model, self.stored)
        if self.pipeline.config.model_config.model_class == "MatchModel":
            self._regularize_as_easyrec()
        self.model = EasyRecLosses(self.parts.model)
        ids = self.arrays("ids")
        self.batch: Batch = with_drawn(repeated(next(iter(self.batches(ReadPlan()))), ids), ids)
        groups = {group: self.lookups(group) for group in self.model.embeddings.groups}
        tables = group_of_table(self.arrays("vars"), groups)
        self.names = variable_names(self.arrays("vars"), tables, self._layers_of_packages())
        self.ours = self.parts.model.variables_by_name()
        self._computed: dict[str, Any] = {}

    def _layers_of_packages(self) -> dict[str, str]:
        """Returns EasyRec's name of each layer in a package of a backbone → ours."""
        backbone = getattr(self.parts.model, "backbone", None)
        packages = backbone.graph.packages.values() if backbone else ()
        return {block: f"{each.name}.{block}" for each in packages for block in each.blocks}

    @property
    def shared(self) -> set[str]:
        """EasyRec's names of variables that are one of ours: a layer norm for each use of a BST."""
        ours = Counter(self.names.values())
        return {theirs for theirs, name in self.names.items() if ours[name] > 1}

    def _regularize_as_easyrec(self) -> None:
        """Leaves to l2 what EasyRec includes of a backbone: the projections of BST."""
        for tower in self.parts.model.towers.values():
            tower.kernels = [each for each in tower.kernels if each.path.endswith("project/kernel")]

    def arrays(self, name: str) -> Arrays:
        """Returns EasyRec's arrays of one file; of a sampled case, their kept rows."""
        return self.stored.arrays(name)

    def pair(self, file: str, name: str, ours: Any, scale: float = 0.0) -> Pair:
        """Returns our array beside EasyRec's of that name in `file`; both have the kept rows."""
        ours, shape = np.asarray(ours), self.stored.shape(file, name)
        golden = self.arrays(file)[name]
        if self._of_pairs(name, shape):
            shape, golden = (shape[0], *shape[2:]), golden[:, 0]
        assert ours.shape == shape, f"{file}/{name}: {ours.shape}, EasyRec {shape}"
        rows = self.stored.rows(file, name)
        kept = ours if rows is None else ours[rows]
        return Pair(f"{file}/{name}", kept, golden, scale)

    def _of_pairs(self, name: str, shape: tuple[int, ...]) -> bool:
        """Whether an array has a vector for each row and candidate, [B, 1 + n, D].

        Only column 0, the row's own item, is compared: EasyRec's masks of the others are misplaced.
        """
        vectors = re.match(r"group/user/|inner/.*/output", name)
        return isinstance(self.parts.model, MultiTowerRecall) and bool(vectors) and len(shape) == 3

    def lookups(self, group: str) -> dict[str, Lookup]:
        """Returns what EasyRec looked up for a feature group, by feature."""
        keys = [key.split("/") for key in self.arrays("eval")]
        fields = sorted(key for key in keys if key[:2] == ["group", group])
        fields = [key for key in fields if len(key) == 4 or key[4:] == ["0"]]
        features = self.members(group)
        names = ["/".join(key) for key in fields]
        # Attentions over sequences come after the features.
        return {f: self._lookup(f, name) for f, name in zip(features, names, strict=False)}

    def members(self, group: str) -> list[str]:
        """Returns the features of a group in EasyRec's order: its sequences come first."""
        features = self.model.embeddings.groups[group]
        return [each.name for each in sorted(features, key=lambda each: not each.stays_sequence)]

    def _lookup(self, feature: str, name: str) -> Lookup:
        vectors, rows = self.arrays("eval")[name], self.stored.rows("eval", name)
        ids = self.arrays("ids")[feature]
        return Lookup(ids[: len(vectors)] if rows is None else ids[rows], vectors)

    def batches(self, order: ReadPlan) -> tf.data.Dataset:
        """Returns the batches of `order`, each as large as the case's, negatives included."""
        source = BatchInput(
            self.pipeline,
            self.pipeline.config.train_input_path,
            self.parts.transform,
            self.parts.model.extra_columns,
            self.parts.candidate_features,
            training=True,
        )
        return source.batches(self.rows, order)

    @cached_property
    def candidates(self) -> dict[str, FeatureValue]:
        """Feature values of the rows; those of the item side of the rows, then the negatives."""
        features, negatives = self.batch.features, self.batch.negatives
        joined = {name: concat_rows(features[name], value) for name, value in negatives.items()}
        return {**features, **joined}

    def reset(self) -> None:
        """Gives every variable its golden value, moving statistics included."""
        for theirs, value in self.arrays("vars").items():
            self.ours[self.names[theirs]].assign(value)

    def once(self, what: str, compute: Callable[[], Computed]) -> Computed:
        """Returns what `compute` gives; it is called once for all checks that need `what`."""
        if what not in self._computed:
            self._computed[what] = compute()
        return self._computed[what]

    def trainer(self) -> Trainer:
        """Returns a trainer at step 0 with the golden weights and fresh moments."""
        self.reset()
        model = self.parts.model
        optimizer = Optimizer(self.pipeline.config.train_config, model.trainable, set(model.tables))
        return Trainer(self.model, optimizer)


def _edits(folder: Path, config: Any, made: Path) -> dict[str, object]:
    """Where the files are, and the documented choices in which we differ from EasyRec.

    EasyRec gives layers of a backbone no masks, and ignores max_seq_len in an attention; its Adam
    moves all rows of a table; of a user's hard edges it takes the first; it lets a user tower read
    the item. Files that are made for it are in `made`.
    """
    edits: dict[str, object] = {
        name: str(folder / getattr(config, name))
        for name in ("train_input_path", "eval_input_path")
    }
    kind = config.data_config.WhichOneof("sampler")
    if kind is not None:
        for field, value in getattr(config.data_config, kind).ListFields():
            if field.name.endswith("_path"):
                edits[f"data_config.{kind}.{field.name}"] = str(folder / value)
        edges = "hard_neg_edge_input_path"
        sampler = getattr(config.data_config, kind)
        if edges in sampler.DESCRIPTOR.fields_by_name:
            cut = first_edges(folder / getattr(sampler, edges), sampler.num_hard_sample, made)
            edits[f"data_config.{kind}.{edges}"] = str(cut)
    attended = [
        name
        for group in config.model_config.feature_groups
        for attention in group.sequence_features
        for entry in attention.seq_att_map
        for name in entry.hist_seq
    ]
    for i, feature in enumerate(config.feature_config.features):
        if feature.HasField("max_seq_len") and feature.input_names[0] in attended:
            edits[f"feature_config.features[{i}].max_seq_len"] = None
    if folder.name in LEAKING:
        edits["model_config.feature_groups[0].sequence_features[0].allow_item_keys"] = True
    backbone = config.model_config.backbone
    graphs = {"": backbone} | {f".packages[{i}]": each for i, each in enumerate(backbone.packages)}
    for path, graph in graphs.items():
        for i, block in enumerate(graph.blocks):
            if block.name in READS_PADDING:
                edits[f"model_config.backbone{path}.blocks[{i}].read_padding"] = True
    for i, optimizer in enumerate(config.train_config.optimizer_config):
        if optimizer.WhichOneof("optimizer") == "adam_optimizer":
            edits[f"train_config.optimizer_config[{i}].adam_optimizer.decay_all_rows"] = True
    return edits
