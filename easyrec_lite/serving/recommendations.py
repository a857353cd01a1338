"""Recommendations from an export: the K best items for each user, with their columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import DataError, Place
from easyrec_lite.core.overwriting import refuse_overwriting
from easyrec_lite.data.tables.joins import FEWEST, likely_cause, unknown_problem
from easyrec_lite.serving.folders import checked_export
from easyrec_lite.serving.input_columns import chosen, open_columns
from easyrec_lite.serving.item_vectors import ID_COLUMN, PARQUET, free_name, read_columns
from easyrec_lite.serving.recommender import INTERESTS, NAME, SEEN, K
from easyrec_lite.serving.saved_model import SavedModel
from easyrec_lite.serving.users import User
from easyrec_lite.serving.writers import PARQUET as WRITTEN_LISTS
from easyrec_lite.serving.writers import arrow_table


@dataclass(frozen=True)
class RecommendationOptions:
    """The options of recommendations.

    Attributes:
      k: the number of items for each user.
      seen: ids of items that are recommended to nobody.
      reserved: columns of the user to copy to the result.
      seen_column: for files, the column of the items that the user has seen; '' for none.
      seen_separator: the separator of the ids in it.
      batch_size: the number of users of a batch.
      fill_missing: whether a column that the model reads and the input lacks has its default.
    """

    k: int = 10
    seen: Sequence[str] = ()
    reserved: Sequence[str] = ()
    seen_column: str = ""
    seen_separator: str = "|"
    batch_size: int = 1024
    fill_missing: bool = False


class Recommendations:
    """Recommends items with an export.

    Results are tables with a row for each item, the best of each user first: `row` (of the user,
    from 1), the reserved columns, `rank` from 1, `item_id`, `score`, where users have several
    vectors `interest` (the number of the one that found the item, from 1), the item's columns;
    where a name is taken, `user_` or `item_` comes before it. A user for whom fewer than K items
    are left has fewer rows.

    Args:
      saved_model: an export, or a folder of exports, or a model folder.
      options: the options.

    Attributes:
      columns: the names of the user columns that the model reads.

    Raises:
      ConfigError: there is no export, or it has no items.
      DataError: a file of the export is missing or damaged.
    """

    def __init__(self, saved_model: Path, options: RecommendationOptions):
        folder, _ = checked_export(saved_model, [NAME, PARQUET])
        self._model = SavedModel(folder / NAME)
        self._items = read_columns(folder)
        self._ids = self._items[ID_COLUMN].combine_chunks()
        self._options = options
        self.columns = [name for name in self._model.inputs if name not in (SEEN, K)]
        self._short = 0
        self._unknown_seen: set[str] = set()
        self._seen_count = self._unknown_count = 0

    def of_users(self, users: Iterable[User]) -> Iterator[pa.Table]:
        """Yields the recommendations for each user.

        Raises:
          ConfigError: a reserved column is not read by the user tower.
        """
        asked = self._options.reserved
        reserved = chosen(asked, self.columns, "column of the user tower") if asked else []
        for row, user in enumerate(users):
            inputs = {
                n: tf.constant([user.columns[n]], self._model.inputs[n].dtype) for n in self.columns
            }
            kept = {name: inputs[name] for name in reserved}
            yield self._table(row, inputs, [list(user.seen)], kept)

    def of_file(self, pipeline: Pipeline, path: str, output: str = "") -> Iterator[pa.Table]:
        """Yields the recommendations for the users of a file, by batches.

        Args:
          pipeline: the config, whose input format the file has.
          path: files, as in `train_input_path`.
          output: where the recommendations will be written; "" for no file.

        Raises:
          ConfigError: a column is no input field, or `output` is one of the input files.
          DataError: the file cannot be read; or the items have none of the ids in the column of
            seen items, which is known at the end.
        """
        options, row = self._options, 0
        seen_columns = [options.seen_column] if options.seen_column else []
        columns = open_columns(
            pipeline, path, self.columns, options.reserved, options.fill_missing, extra=seen_columns
        )
        if output:
            refuse_overwriting(output, columns.reader.files, "--output_path")
        for raw in columns.batches(options.batch_size):
            inputs = columns.inputs(raw, {name: self._model.inputs[name] for name in self.columns})
            kept = columns.copied(raw, as_text=Path(output).suffix != WRITTEN_LISTS)
            count = int(tf.shape(next(iter(inputs.values())))[0])
            seen = self._seen(raw[options.seen_column]) if options.seen_column else [[]] * count
            yield self._table(row, inputs, seen, kept)
            row += count
        self._require_joined(path)

    def _require_joined(self, path: str) -> None:
        """Raises that no id of the column of seen items is an item's; a few prove nothing."""
        column, total = self._options.seen_column, self._seen_count
        if not column or total < FEWEST:
            return
        what = f"ids in {column} are of items that the export"
        ids = self._ids.to_pylist()
        examples = sorted(self._unknown_seen)
        place = Place(path)
        problem = unknown_problem(what, examples, self._unknown_count, total, ids, place)
        if problem and problem.severity == "error":
            raise DataError(problem)

    def notes(self) -> list[str]:
        """Returns notes on the tables so far: short lists, unknown ids of seen items."""
        k, notes = self._options.k, []
        if self._short:
            notes.append(f"users with fewer than {k} items, as no more are left: {self._short}")
        if self._unknown_seen:
            some = ", ".join(map(repr, sorted(self._unknown_seen)[:5]))
            count, cause = len(self._unknown_seen), ""
            if 2 * self._unknown_count > self._seen_count:
                cause = likely_cause(self._unknown_seen, self._ids.to_pylist())
            notes.append(
                f"{count} seen ids are not among the {len(self._ids)} items: {some}"
                + (f"; they differ in {cause}" if cause else "")
            )
        return notes

    def _seen(self, column: tf.Tensor) -> list[list[str]]:
        """Returns the ids in each cell of a column [B], or of a list column."""
        cells = arrow_table({"seen": column})["seen"].to_pylist()
        if isinstance(column, tf.RaggedTensor):
            return [[_text(item) for item in cell] for cell in cells]
        separator = self._options.seen_separator
        return [[item for item in _text(cell).split(separator) if item] for cell in cells]

    def _table(
        self,
        first: int,
        inputs: Mapping[str, tf.Tensor],
        seen: Sequence[Sequence[str]],
        kept: Mapping[str, tf.Tensor],
    ) -> pa.Table:
        seen_ids = tf.ragged.constant([[*self._options.seen, *ids] for ids in seen], tf.string, 1)
        self._note_unknown(seen_ids.flat_values.numpy())
        more = {SEEN: seen_ids.to_tensor(""), K: tf.constant(self._options.k)}
        best = self._model(**inputs, **more)
        scores = best["scores"].numpy()
        users, places = np.nonzero(scores > -np.inf)
        self._short += int(np.isneginf(scores).any(axis=1).sum())
        ids = _texts(best["item_ids"].numpy()[users, places])
        carried = arrow_table(kept).take(users) if kept else pa.table({})
        own = {
            "row": pa.array(first + users + 1),
            "rank": pa.array(places + 1),
            ID_COLUMN: ids,
            "score": pa.array(scores[users, places]),
        }
        if INTERESTS in best:
            own["interest"] = pa.array(best[INTERESTS].numpy()[users, places] + 1)
        return _joined(own, carried, self._items.take(pc.index_in(ids, self._ids)))

    def _note_unknown(self, seen: np.ndarray) -> None:
        ids = _texts(seen)
        unknown = ids.filter(pc.invert(pc.is_in(ids, self._ids)))
        self._seen_count += len(ids)
        self._unknown_count += len(unknown)
        self._unknown_seen.update(unknown.to_pylist())


def _joined(own: dict[str, pa.Array], users: pa.Table, items: pa.Table) -> pa.Table:
    """Returns `row`, the users' columns, the rest of `own`, the items' columns."""
    columns = {"row": own["row"]}
    for name in users.column_names:
        columns[free_name(name, {**own, **columns}, "user_")] = users[name]
    columns |= own
    for name in items.column_names[1:]:
        columns[free_name(name, columns, "item_")] = items[name]
    return pa.table(columns)


def _text(value: bytes | str | int) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _texts(values: np.ndarray) -> pa.Array:
    return pa.array([value.decode() for value in values], pa.string())
