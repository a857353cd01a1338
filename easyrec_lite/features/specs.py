"""What the features and embedding tables of a config are: names, rows, dims, who shares them.

The one definition that the transform, the tables and the memory estimate read. No TensorFlow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from easyrec_lite.checks import tables
from easyrec_lite.checks.rules import features as feature_rules
from easyrec_lite.checks.rules import groups as group_rules
from easyrec_lite.checks.view import Feature, View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.protos.messages import FeatureConfig, Initializer

_RULES = (
    feature_rules.one_list,
    feature_rules.names,
    feature_rules.id_source,
    feature_rules.embedding_dim,
    feature_rules.buckets,
    feature_rules.combiner,
    feature_rules.expression,
    feature_rules.shared_tables,
    group_rules.known_features,
)


@dataclass(frozen=True)
class FeatureSpec:
    """One feature of the config.

    Attributes:
      name: `feature_name`, else the first input.
      kind: the `feature_type`, e.g. `IdFeature`.
      inputs: raw columns that it reads, in order.
      config: its `FeatureConfig`; read, never changed.
      path: config path of `config`.
      reads_ids: whether its values have ids by hash, by number or in a vocabulary.
      rows: rows of its table; 0 when it has none.
      dim: length of one vector, or of one step of a sequence.
      width: how many numbers it gives a group for each row.
      pipeline: the config, for places in messages.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    config: FeatureConfig
    path: str
    reads_ids: bool
    rows: int
    dim: int
    width: int
    pipeline: Pipeline = dataclasses.field(repr=False, compare=False)

    @property
    def sequence_combiner(self) -> str:
        """How a SequenceFeature becomes one vector: `attention`, `text_cnn`, …; '' when unset."""
        return self.config.sequence_combiner.WhichOneof("combiner") or ""

    @property
    def table_combiner(self) -> str:
        """How several vectors of its table become one: `sum`, `mean` or `sqrtn`.

        The `combiner`, but `sum` where that pools numbers before any vector is looked up.
        """
        pools_numbers = self.kind == "RawFeature" and (
            self.config.seq_multi_sep or self.config.combiner in ("max", "min")
        )
        return "sum" if pools_numbers else self.config.combiner

    @property
    def by_row(self) -> bool:
        """Whether a row's value is the same, bit for bit, whatever other rows are in the batch.

        Functions of numbers may look at other rows, and TensorFlow's own logarithms and
        exponentials differ in the last bit with a number's place in the batch.
        """
        return self.kind != "ExprFeature" and not self.config.normalizer_fn

    @property
    def boundaries(self) -> tuple[float, ...]:
        """The limits between the buckets of a bucketised number; () when it is not bucketised.

        With `num_buckets` n they cut the scaled range [0, 1] into n equal parts.
        """
        if self.config.boundaries:
            return tuple(self.config.boundaries)
        count = self.config.num_buckets
        return tuple(step / count for step in range(1, count))

    def table(self, group: str) -> str:
        """Returns the name of the table that this feature uses in `group`."""
        if self.config.embedding_name:
            return f"shared/{self.config.embedding_name}/embedding"
        return f"{group}/{self.name}/embedding"

    def error(self, message: str, field: str = "", **parts: Any) -> ConfigError:
        """Returns the error that something about this feature cannot be."""
        path = f"{self.path}.{field}" if field else self.path
        place = self.pipeline.place(path)
        return ConfigError(Problem(f"feature {self.name!r}: {message}", place, path, **parts))


@dataclass(frozen=True)
class TableSpec:
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


def group_specs(pipeline: Pipeline) -> dict[str, tuple[FeatureSpec, ...]]:
    """Returns the features of each feature group, in the config's order.

    Raises:
      ConfigError: a feature or group is not what it must be; all problems at once.
    """
    view = View(pipeline)
    problems = [problem for rule in _RULES for problem in rule(view)]
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise ConfigError(errors)
    made: dict[str, FeatureSpec] = {}
    for feature in (feature for group in view.groups for feature in view.group_features(group)):
        if feature.name not in made:
            made[feature.name] = _spec(feature, pipeline)
    return {
        group: tuple(made[feature.name] for feature in view.group_features(group))
        for group in view.groups
    }


def feature_specs(pipeline: Pipeline) -> dict[str, FeatureSpec]:
    """Returns the features that some group uses, by name; see `group_specs`."""
    groups = group_specs(pipeline).values()
    return {spec.name: spec for specs in groups for spec in specs}


def table_specs(groups: dict[str, tuple[FeatureSpec, ...]]) -> dict[str, TableSpec]:
    """Returns every embedding table by name, in the order of the groups.

    Args:
      groups: what `group_specs` gave.

    Raises:
      ConfigError: features that share a table differ in its rows, dim or initialiser.
    """
    users: dict[str, list[tuple[str, FeatureSpec]]] = {}
    for group, specs in groups.items():
        for spec in specs:
            if spec.rows:
                users.setdefault(spec.table(group), []).append((group, spec))
    problems = [problem for sharing in users.values() for problem in _disagreements(sharing)]
    if problems:
        raise ConfigError(problems)
    return {name: _table(name, sharing) for name, sharing in users.items()}


def read_vocabulary(spec: FeatureSpec) -> tuple[str, ...]:
    """Returns the tokens of `vocab_list` or `vocab_file` in order; blank lines are left out.

    Raises:
      ConfigError: the file cannot be read, or a token stands there twice.
    """
    tokens: Sequence[str] = list(spec.config.vocab_list)
    if spec.config.vocab_file:
        try:
            text = Path(spec.config.vocab_file).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise spec.error(
                f"cannot read the vocabulary: {error}",
                "vocab_file",
                expected="a UTF-8 text file with one token a line",
                remedy="correct the path or the file",
            ) from error
        tokens = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    _refuse_duplicates(spec, tokens)
    return tuple(tokens)


def _refuse_duplicates(spec: FeatureSpec, tokens: Sequence[str]) -> None:
    seen: set[str] = set()
    twice = [token for token in tokens if token in seen or seen.add(token)]  # type: ignore[func-returns-value]
    if twice:
        shown = ", ".join(repr(token) for token in twice[:5])
        raise spec.error(
            "a token has two ids", found=f"given twice: {shown}", remedy="list each token once"
        )


def _spec(feature: Feature, pipeline: Pipeline) -> FeatureSpec:
    has_table = tables.has_table(feature)
    config = feature.config
    spec = FeatureSpec(
        name=feature.name,
        kind=feature.kind,
        inputs=feature.inputs,
        config=config,
        path=feature.path,
        reads_ids=tables.reads_ids(feature),
        rows=(tables.rows(feature) or 0) if has_table else 0,
        dim=config.embedding_dim if has_table else config.raw_input_dim,
        width=tables.width(feature) or 0,
        pipeline=pipeline,
    )
    _refuse_empty_separator(spec)
    if config.vocab_file and has_table:
        return replace(spec, rows=len(read_vocabulary(spec)))
    return spec


def _refuse_empty_separator(spec: FeatureSpec) -> None:
    several = spec.config.raw_input_dim > 1
    split = {
        "separator": several or spec.kind in ("TagFeature", "LookupFeature", "SequenceFeature"),
        "seq_multi_sep": several and spec.kind == "SequenceFeature" and not spec.reads_ids,
    }
    for field, needed in split.items():
        if needed and not getattr(spec.config, field):
            raise spec.error(
                f"its cells cannot be split without {field}",
                field,
                expected=f"{field}: a text of one character or more",
                remedy=f"set {field}",
            )


def _table(name: str, sharing: Sequence[tuple[str, FeatureSpec]]) -> TableSpec:
    spec = sharing[0][1]
    initializer = spec.config.initializer if spec.config.HasField("initializer") else None
    users = tuple((group, user.name) for group, user in sharing)
    most_parts = max(user.config.max_partitions for _, user in sharing)
    return TableSpec(name, spec.rows, spec.dim, initializer, users, most_parts)


def _disagreements(sharing: Sequence[tuple[str, FeatureSpec]]) -> Iterator[Problem]:
    first = sharing[0][1]
    for _, other in sharing[1:]:
        for what, ours, theirs in (
            ("rows", first.rows, other.rows),
            ("dim", first.dim, other.dim),
            ("initializer", first.config.initializer, other.config.initializer),
        ):
            if ours != theirs:
                yield Problem(
                    place=other.pipeline.place(other.path),
                    message=f"features {first.name!r} and {other.name!r} share table "
                    f"{first.config.embedding_name!r} but differ in {what}",
                    path=other.path,
                    expected=str(ours).strip() or "the default",
                    found=str(theirs).strip() or "the default",
                    remedy="make them equal, or give one feature another embedding_name",
                )
