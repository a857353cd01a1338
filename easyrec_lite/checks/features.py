"""A feature of a config: what it reads, its ids, its vectors, and the tables that hold them.

The one definition that `check`, the transform, the tables and the memory estimate read. No
TensorFlow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.feature import (
    FEATURE_KINDS,
    ID_SOURCES,
    SEQUENCE_COMBINERS,
    FeatureKindSpec,
    SequenceCombinerSpec,
)
from easyrec_lite.checks.vocabulary import read_tokens
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.protos.messages import FeatureConfig, Initializer


@dataclass(frozen=True)
class Feature:
    """A feature, after `shared_names` were expanded.

    Attributes:
      name: `feature_name`, else the first input.
      path: config path of the message that it comes from.
      config: its `FeatureConfig`; read, never changed.
      inputs: the columns that it reads, in order.
      pipeline: the config, for places in messages.
    """

    name: str
    path: str
    config: FeatureConfig
    inputs: tuple[str, ...]
    pipeline: Pipeline = dataclasses.field(repr=False, compare=False)

    @property
    def kind(self) -> str:
        """The `feature_type`, e.g. `IdFeature`."""
        return enum_name(self.config, "feature_type")

    @cached_property
    def spec(self) -> FeatureKindSpec:
        """What is known of its kind."""
        return FEATURE_KINDS.spec(self.kind)

    # Ids.

    @cached_property
    def reads_ids(self) -> bool:
        """Whether its values have ids by hash, by number or in a vocabulary."""
        return self.spec.reads_ids(self.config)

    @property
    def id_sources(self) -> list[str]:
        """Which of `ID_SOURCES` the config gives."""
        return [name for name in ID_SOURCES if getattr(self.config, name)]

    @cached_property
    def tokens(self) -> tuple[str, ...] | None:
        """The tokens of `vocab_list` or `vocab_file` in order; None for a file not at hand."""
        if not self.config.vocab_file:
            return tuple(self.config.vocab_list)
        return read_tokens(self.config.vocab_file)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The tokens, whose positions are the ids.

        Raises:
          ConfigError: the file cannot be read.
        """
        if self.tokens is None:
            raise self.error(
                "cannot read the vocabulary",
                "vocab_file",
                expected="a UTF-8 text file with one token a line",
                found=self.config.vocab_file,
                remedy="correct the path or the file",
            )
        return self.tokens

    # Numbers.

    @cached_property
    def reads_numbers(self) -> bool:
        """Whether its numbers may be scaled, bucketised and embedded."""
        return self.spec.reads_numbers(self.config)

    @property
    def boundaries(self) -> tuple[float, ...]:
        """The limits between the buckets of numbers; () when they are not bucketised.

        With `num_buckets` n they cut the scaled range [0, 1] into n equal parts.
        """
        if self.config.boundaries:
            return tuple(self.config.boundaries)
        count = self.config.num_buckets
        return tuple(step / count for step in range(1, count))

    @property
    def bucketised(self) -> bool:
        """Whether its numbers become ids, by boundaries or equal ranges."""
        return self.reads_numbers and bool(self.config.boundaries or self.config.num_buckets)

    @property
    def by_row(self) -> bool:
        """Whether a row's value is the same, bit for bit, whatever other rows are in the batch.

        Functions of numbers may look at other rows, and TensorFlow's own logarithms and
        exponentials differ in the last bit with a number's place in the batch.
        """
        return self.spec.by_row and not self.config.normalizer_fn

    # Vectors.

    @cached_property
    def has_table(self) -> bool:
        """Whether it is looked up in an embedding table."""
        embedded = self.reads_numbers and self.config.embedding_dim > 0
        return self.reads_ids or self.bucketised or embedded

    @cached_property
    def known_rows(self) -> int | None:
        """The rows of its table, 0 without one; None when its vocabulary is not at hand.

        Each of the numbers of a cell has its own buckets, or its own row.
        """
        if not self.has_table:
            return 0
        if not self.reads_ids:
            buckets = len(self.boundaries) + 1 if self.bucketised else 1
            return buckets * self.config.raw_input_dim
        if self.config.vocab_file:
            return None if self.tokens is None else len(self.tokens)
        return self.config.hash_bucket_size or self.config.num_buckets or len(self.tokens or ())

    @property
    def rows(self) -> int:
        """The rows of its table, 0 without one.

        Raises:
          ConfigError: its vocabulary cannot be read.
        """
        return len(self.vocabulary) if self.known_rows is None else self.known_rows

    @property
    def dim(self) -> int:
        """The length of one vector, or of one step of a sequence."""
        return int(self.config.embedding_dim if self.has_table else self.config.raw_input_dim)

    @cached_property
    def width(self) -> int:
        """How many numbers it gives a group for each row; 0 when that is not known."""
        return self.spec.width(self)

    @property
    def sequence_combiner(self) -> SequenceCombinerSpec | None:
        """How its steps become one vector; None without steps, or for steps that stay apart."""
        if not self.spec.sequence:
            return None
        return SEQUENCE_COMBINERS.find(self.config.sequence_combiner.WhichOneof("combiner") or "")

    @property
    def keeps_empty_steps(self) -> bool:
        """Whether an empty piece is a step, with the id of the empty text; see the field."""
        config = self.config
        by_text = bool(config.hash_bucket_size or config.vocab_list or config.vocab_file)
        return self.spec.sequence and by_text and not config.drop_empty_steps

    @property
    def stays_sequence(self) -> bool:
        """Whether its steps are not made one vector."""
        return self.spec.sequence and self.sequence_combiner is None

    @property
    def step_order(self) -> str:
        """`OLDEST_FIRST` or `NEWEST_FIRST`, the order of its lists in the data; "" for unknown."""
        given = self.config.HasField("step_order")
        return enum_name(self.config, "step_order") if given else ""

    @property
    def table_combiner(self) -> str:
        """How several vectors of its table become one: `sum`, `mean` or `sqrtn`."""
        return self.spec.table_combiner(self.config)

    def table(self, group: str) -> str:
        """Returns the name of the table that it uses in `group`."""
        if self.config.embedding_name:
            return f"shared/{self.config.embedding_name}/embedding"
        return f"{group}/{self.name}/embedding"

    def error(self, message: str, field: str = "", **parts: Any) -> ConfigError:
        """Returns the error that something about this feature cannot be."""
        path = f"{self.path}.{field}" if field else self.path
        place = self.pipeline.place(path)
        return ConfigError(Problem(f"feature {self.name!r}: {message}", place, path, **parts))


FeatureGroups = Mapping[str, tuple[Feature, ...]]


@dataclass(frozen=True)
class EmbeddingTable:
    """One embedding table.

    Attributes:
      name: `{group}/{feature}/embedding`, or `shared/{embedding_name}/embedding`.
      rows: ids that it has vectors for.
      dim: D, the length of a vector.
      initializer: the config's `Initializer` message, or None for the default.
      users: the (group, feature) pairs that look vectors up in it.
      most_parts: how many parameter servers may share it.
    """

    name: str
    rows: int
    dim: int
    initializer: Initializer | None
    users: tuple[tuple[str, str], ...]
    most_parts: int = 1


def embedding_tables(groups: FeatureGroups) -> dict[str, EmbeddingTable]:
    """Returns every embedding table by name, in the order of the groups.

    Args:
      groups: group → its features.

    Raises:
      ConfigError: a vocabulary cannot be read.
    """
    users: dict[str, list[tuple[str, Feature]]] = {}
    for group, features in groups.items():
        for feature in features:
            if feature.has_table:
                users.setdefault(feature.table(group), []).append((group, feature))
    return {name: _table(name, sharing) for name, sharing in users.items()}


def _table(name: str, sharing: Sequence[tuple[str, Feature]]) -> EmbeddingTable:
    feature = sharing[0][1]
    initializer = feature.config.initializer if feature.config.HasField("initializer") else None
    users = tuple((group, user.name) for group, user in sharing)
    most_parts = max(user.config.max_partitions for _, user in sharing)
    return EmbeddingTable(name, feature.rows, feature.dim, initializer, users, most_parts)
