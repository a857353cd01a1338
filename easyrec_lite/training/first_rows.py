"""What the first rows of data tell of their ids and texts, before any training.

Values that a feature does not know, ids that the sampler's tables lack, text in another encoding:
training runs to its end with all of them, and learns nothing from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from easyrec_lite.checks.columns import InputField, input_fields, shown
from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.item_id import item_table, ranked_id_field
from easyrec_lite.checks.specs.reader import SampledRow
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import Place, Problem
from easyrec_lite.data.readers.scan import good_rows
from easyrec_lite.data.rows.cells import columns_of, faults
from easyrec_lite.data.samplers.sampler import ITEM, Sampler
from easyrec_lite.data.tables.joins import join_problem, likely_cause
from easyrec_lite.features.transform import FeatureTransform

ROWS = 1000
# From this share on, unknown values are worth a warning.
SHARE = 0.01
EXAMPLES = 3
# Encodings that text which is not UTF-8 may have, the likely one first.
ENCODINGS = ("GB18030", "SHIFT_JIS", "CP1252", "LATIN1")


def first_row_problems(
    pipeline: Pipeline,
    path: str,
    transform: FeatureTransform,
    sampler: Sampler | None = None,
    *,
    rows: int = ROWS,
    required: bool = True,
) -> list[Problem]:
    """Returns what the first rows of some data tell; rows that cannot be read are left out.

    Args:
      pipeline: the config.
      path: as `train_input_path`.
      transform: the config's feature transform.
      sampler: the config's sampler, whose tables should hold the ids of the rows.
      rows: how many rows to read.
      required: whether it is an error that a table lacks the ids of all rows.

    Raises:
      DataError: the data cannot be read at all.
    """
    sample = good_rows(pipeline, path, rows)
    fields = input_fields(pipeline)
    problems = list(_encoding(fields, sample))
    if sample:
        columns = columns_of(fields, [row.values for row in sample])
        bad = faults(transform.expectations, columns)
        sample = [row for number, row in enumerate(sample) if number not in bad]
    if not sample:
        return problems
    columns = columns_of(fields, [row.values for row in sample])
    problems += _unknown(transform, columns, path)
    if sampler is not None:
        problems += _joins(pipeline, sampler, columns, path, required)
    return problems


def ranked_join_problem(
    pipeline: Pipeline, path: str, items: np.ndarray, table: str, rows: int = ROWS
) -> Problem | None:
    """Returns the problem that an item table lacks items of the first rows, which are ranked.

    Args:
      pipeline: a config with a full ranking.
      path: the evaluation data.
      items: the ids of the table's items, object [M].
      table: its path.
      rows: how many rows to read.

    Raises:
      DataError: the data cannot be read at all.
    """
    column = ranked_id_field(pipeline.config)
    ids = _text([row.values[column] for row in good_rows(pipeline, path, rows)])
    known = pd.Index(items)
    lacks = (~pd.Index(ids, dtype=object).isin(known)).tolist()
    return join_problem(column, ids, lacks, lambda: map(str, items), path, table, True)


def _encoding(fields: Sequence[InputField], sample: Iterable[SampledRow]) -> Iterator[Problem]:
    """Yields a warning for each text column with a cell that is not UTF-8: its first such cell."""
    names = {field.name for field in fields if field.type == "STRING"}
    for row in sample:
        for name in sorted(names):
            for text in _texts(row.values.get(name)):
                try:
                    text.decode()
                except UnicodeDecodeError as error:
                    names.discard(name)
                    yield _not_utf8(name, text, error, row.place)
                    break


def _texts(value: Any) -> list[bytes]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, bytes)]


def _not_utf8(name: str, text: bytes, error: UnicodeDecodeError, place: Place) -> Problem:
    guess = next((each for each in ENCODINGS if _decodes(text, each)), ENCODINGS[0])
    return Problem(
        f"text of {name} is not UTF-8: byte {error.start + 1} of the cell; it may be {guess}",
        place,
        name,
        expected="UTF-8 text, as vocabularies, tables and outputs hold",
        found=shown(text),
        remedy=f"iconv -f {guess} -t UTF-8 OLD > NEW; or state data_config.encoding, for CSV",
        severity="warning",
    )


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _unknown(
    transform: FeatureTransform, columns: Mapping[str, Any], path: str
) -> Iterator[Problem]:
    """Yields a warning for each feature that does not know a visible share of its values."""
    for name, (values, unknown) in transform.unknown_values(columns).items():
        lost = _text(tf.boolean_mask(values, unknown))
        total = int(tf.size(values))
        if lost and len(lost) >= SHARE * total:
            yield _unknown_problem(transform.features[name], lost, total, path)


def _unknown_problem(feature: Feature, lost: Sequence[str], total: int, path: str) -> Problem:
    tokens = list(feature.tokens or ()) if not feature.config.num_buckets else []
    cause = likely_cause(lost, tokens)
    expected = f"values such as {_some(tokens)}"
    if feature.config.num_buckets:
        expected = f"whole numbers from 0 to {feature.config.num_buckets - 1}"
    return Problem(
        f"{len(lost) / total:.1%} of the first {total} values of {feature.name} have no id and "
        "become id 0" + (f"; they differ in {cause}" if cause else ""),
        Place(path),
        ", ".join(feature.inputs),
        expected=expected,
        found=_some(lost),
        remedy="correct the vocabulary or num_buckets, or write the values alike",
        severity="warning",
    )


def _joins(
    pipeline: Pipeline, sampler: Sampler, columns: Mapping[str, Any], path: str, required: bool
) -> Iterator[Problem]:
    """Yields what the sampler's tables lack of the items and users of rows.

    Many users have no edges; only that none has any is worth a warning.
    """
    for name, places in sampler.locate(columns).items():
        lookup, lacks = sampler.lookups[name], (places.numpy() < 0).tolist()
        if name != ITEM and not all(lacks):
            continue
        problem = join_problem(
            lookup.field,
            _text(columns[lookup.field]),
            lacks,
            lambda index=lookup.index: _text(index.ids),  # type: ignore[misc]
            path,
            item_table(pipeline.config) if name == ITEM else f"at {name}",
            required,
            only_alike=name != ITEM,
        )
        if problem:
            yield problem


def _text(values: Any) -> list[str]:
    """Returns values [N] as text."""
    plain = values if isinstance(values, list) else values.numpy().tolist()
    return [
        each.decode(errors="backslashreplace") if isinstance(each, bytes) else str(each)
        for each in plain
    ]


def _some(values: Iterable[str]) -> str:
    return ", ".join(repr(text) for text in list(dict.fromkeys(values))[:EXAMPLES])
