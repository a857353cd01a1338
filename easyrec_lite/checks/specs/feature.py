"""What a kind of feature declares of itself, and what a combiner of sequences does."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from easyrec_lite.checks.made_up_rows import number_problems
from easyrec_lite.checks.specs.base import Spec
from easyrec_lite.config.expressions import Expression, compile_function
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.core.registry import ComponentRegistry
from easyrec_lite.protos.messages import FeatureConfig

if TYPE_CHECKING:
    from easyrec_lite.checks.features import Feature
    from easyrec_lite.checks.view import View

Problems = Iterator[Problem]
# The fields that say how a value becomes an id.
ID_SOURCES = ("hash_bucket_size", "num_buckets", "vocab_list", "vocab_file")


class ColumnCount(NamedTuple):
    """How many columns a kind of feature reads, `most` None for any number; and in words."""

    least: int = 1
    most: int | None = 1
    words: str = "one column"


class FeatureKindSpec(Spec):
    """A kind of feature that `feature_type` names.

    Attributes:
      columns: how many columns it reads.
      combiners: what `combiner` may be; () where it has no effect.
      id_sources: which of `ID_SOURCES` it can use.
      one_id: whether a row has at most one id.
      lists: whether a cell of its first column holds any number of values.
      sequence: whether its values have an order, so that a `sequence_combiner` pools them.
      by_row: whether a row's value is the same, bit for bit, in any batch, as long as no
        `normalizer_fn` is given.
    """

    columns: ClassVar[ColumnCount] = ColumnCount()
    combiners: ClassVar[tuple[str, ...]] = ()
    id_sources: ClassVar[tuple[str, ...]] = ID_SOURCES
    one_id: ClassVar[bool] = False
    lists: ClassVar[bool] = False
    sequence: ClassVar[bool] = False
    by_row: ClassVar[bool] = True

    def reads_ids(self, config: FeatureConfig) -> bool:
        """Returns whether texts or integers become ids, by one of `ID_SOURCES`."""
        return False

    def reads_numbers(self, config: FeatureConfig) -> bool:
        """Returns whether numbers may be scaled, bucketised and embedded."""
        return False

    def id_columns(self, feature: Feature) -> tuple[str, ...]:
        """Returns the columns whose values become ids."""
        return feature.inputs

    def separators(self, config: FeatureConfig) -> list[str]:
        """Returns the fields with the texts by which cells are split."""
        return ["separator"] if config.raw_input_dim > 1 else []

    def cell_separators(self, config: FeatureConfig, column: int) -> tuple[str, ...]:
        """Returns the texts at which a cell of its column number `column` is split, outer first.

        () for a cell that is one value.
        """
        return tuple(getattr(config, field) for field in self.separators(config))

    def reads_vector(self, config: FeatureConfig) -> bool:
        """Returns whether a cell is one vector of `raw_input_dim` numbers, or empty."""
        return False

    def table_combiner(self, config: FeatureConfig) -> str:
        """Returns how several vectors of its table become one: `sum`, `mean` or `sqrtn`."""
        return str(config.combiner)

    def width(self, feature: Feature) -> int:
        """Returns how many numbers it gives a group for each row; 0 when that is not known."""
        return feature.dim

    # Rules.

    def check(self, view: View, feature: Feature) -> Problems:
        """Yields what is wrong with a feature of this kind."""
        yield from self._columns(view, feature)
        if feature.reads_ids:
            yield from self._id_source(view, feature)
            yield from self._precision(view, feature)
            yield from self._vocabulary(view, feature)
        if feature.reads_numbers:
            yield from self._boundaries(view, feature)
        if feature.has_table:
            yield from self._embedding_dim(view, feature)
            yield from self._constants(view, feature)
        yield from self._pooling(view, feature)
        yield from self._separators(view, feature)
        yield from self._step_order(view, feature)
        yield from self._normalizer(view, feature)

    def _columns(self, view: View, feature: Feature) -> Problems:
        """A feature reads as many columns as its kind takes."""
        count, (least, most, words) = len(feature.inputs), self.columns
        if count and (count < least or (most is not None and count > most)):
            yield view.error(
                f"{feature.path}.input_names",
                f"{self.name} {feature.name!r} reads {count} column{'s' if count > 1 else ''}",
                expected=words,
                found=", ".join(feature.inputs),
                remedy="change input_names or feature_type",
            )

    def _id_source(self, view: View, feature: Feature) -> Problems:
        """A feature of ids has exactly one source of ids."""
        given = feature.id_sources
        if len(given) == 1 and given[0] in self.id_sources:
            return
        single = len(self.id_sources) == 1
        expected = ("" if single else "exactly one of ") + ", ".join(self.id_sources)
        counts = {0: "no source of ids", 1: "a source of ids that it cannot use"}
        yield view.error(
            f"{feature.path}.{given[-1]}" if given else feature.path,
            f"{self.name} {feature.name!r} has "
            + counts.get(len(given), f"{len(given)} sources of ids"),
            expected=expected,
            found=", ".join(given) or "none of them",
            remedy="remove all but one" if len(given) > 1 else f"set {expected}",
        )

    def _precision(self, view: View, feature: Feature) -> Problems:
        """Floats are printed before they are hashed, which requires a number of digits."""
        if feature.config.precision >= 0 or feature.config.num_buckets:
            return
        for name in self.id_columns(feature):
            if view.field_type(name) in ("FLOAT", "DOUBLE"):
                yield view.error(
                    feature.path,
                    f"feature {feature.name!r} makes ids of the {view.field_type(name)} "
                    f"field {name!r} without precision",
                    expected="precision: how many digits after the point make the id",
                    remedy="set precision, or bucketise the numbers by boundaries",
                )

    def _vocabulary(self, view: View, feature: Feature) -> Problems:
        """A vocabulary holds something, and lists each token once."""
        if feature.config.vocab_file and feature.tokens == ():
            yield view.error(
                f"{feature.path}.vocab_file",
                f"the vocabulary of feature {feature.name!r} is empty",
                expected="a UTF-8 text file with one token a line",
            )
        field = "vocab_file" if feature.config.vocab_file else "vocab_list"
        counts = Counter(feature.tokens or ())
        twice = [repr(token) for token, count in counts.items() if count > 1]
        if twice:
            yield view.error(
                f"{feature.path}.{field}",
                f"the vocabulary of feature {feature.name!r} gives a token two ids",
                found="given twice: " + ", ".join(twice[:5]),
                remedy="list each token once",
            )

    def _boundaries(self, view: View, feature: Feature) -> Problems:
        """Boundaries are in ascending order."""
        for low, high in itertools.pairwise(feature.config.boundaries):
            if low >= high:
                yield view.error(
                    f"{feature.path}.boundaries",
                    f"the boundaries of feature {feature.name!r} are not in ascending order",
                    found=f"{low:g} before {high:g}",
                    remedy="sort them, each once",
                )
                return

    def _embedding_dim(self, view: View, feature: Feature) -> Problems:
        """A feature with a table that a group uses has an `embedding_dim`."""
        if not feature.config.embedding_dim and feature.name in view.grouped_features:
            yield view.error(
                feature.path,
                f"{self.name} {feature.name!r} has no embedding_dim",
                expected="embedding_dim: a positive number",
                remedy="set embedding_dim, e.g. 16",
            )

    def _constants(self, view: View, feature: Feature) -> Problems:
        """A constant initialiser gives one value, a row of them, or all."""
        initializer = feature.config.initializer
        if not initializer.HasField("constant_initializer") or feature.known_rows is None:
            return
        count, dim = len(initializer.constant_initializer.consts), feature.dim
        if count not in (1, dim, feature.known_rows * dim):
            yield view.error(
                f"{feature.path}.initializer.constant_initializer",
                f"constant_initializer does not fit the table of feature {feature.name!r}",
                expected=f"1 value, {dim} (a row) or {feature.known_rows * dim} (all)",
                found=f"{count} values",
                remedy="give one value for all",
            )

    def _pooling(self, view: View, feature: Feature) -> Problems:
        """Pooling is by a combiner that the kind has."""
        given = feature.config.combiner
        if self.combiners and feature.config.HasField("combiner") and given not in self.combiners:
            yield view.unknown(
                f"{feature.path}.combiner",
                f"combiner of {self.name} {feature.name!r}:",
                given,
                self.combiners,
                remedy="use one of them",
            )
        if not self.sequence and feature.config.HasField("sequence_combiner"):
            yield view.warning(
                f"{feature.path}.sequence_combiner",
                f"sequence_combiner has no effect on a {self.name}",
                remedy="leave it out, or change feature_type",
            )

    def _step_order(self, view: View, feature: Feature) -> Problems:
        """Lists have an order."""
        if feature.step_order and not self.lists:
            yield view.warning(
                f"{feature.path}.step_order",
                f"step_order has no effect on a {self.name}",
                remedy="leave it out, or change feature_type",
            )

    def _separators(self, view: View, feature: Feature) -> Problems:
        """Cells are split at texts of one character or more."""
        for field in self.separators(feature.config):
            if not getattr(feature.config, field):
                yield view.error(
                    f"{feature.path}.{field}",
                    f"the cells of feature {feature.name!r} cannot be split without {field}",
                    expected=f"{field}: a text of one character or more",
                    remedy=f"set {field}",
                )

    def _normalizer(self, view: View, feature: Feature) -> Problems:
        """`normalizer_fn` is a function that may be called."""
        text, path = feature.config.normalizer_fn, f"{feature.path}.normalizer_fn"
        if not text:
            return
        try:
            function = compile_function(text, view.place(path), path)
            if isinstance(function, Expression):
                function.require_number(broadcast=False)
        except ConfigError as error:
            yield from error.problems
            return
        config = feature.config
        dim = config.raw_input_dim
        yield from number_problems(view, path, function, dim, config.min_val, config.max_val)


FEATURE_KINDS: ComponentRegistry[FeatureKindSpec] = ComponentRegistry(
    "feature_type", "easyrec_lite.features.kinds"
)


class SequenceCombinerSpec(Spec):
    """A way to make one vector of a sequence, by the name of its field in `sequence_combiner`."""

    def width(self, feature: Feature) -> int:
        """Returns the width of the vector; 0 when that is not known."""
        return feature.dim

    def check(self, view: View, feature: Feature) -> Problems:
        """Yields what is wrong with the combiner of a feature."""
        yield from ()


SEQUENCE_COMBINERS: ComponentRegistry[SequenceCombinerSpec] = ComponentRegistry(
    "sequence_combiner", "easyrec_lite.features.sequence_combiners"
)
