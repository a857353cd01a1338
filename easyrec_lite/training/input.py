"""From data files to batches: rows of a reader → features, labels, weights, sampled items."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from easyrec_lite.checks.item_id import item_id_field
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.data.cache.key import key
from easyrec_lite.data.cache.rows import CachedRows
from easyrec_lite.data.readers.base import Reader, open_reader
from easyrec_lite.data.readers.iterate import column_batches, first_rows, guarded
from easyrec_lite.data.rows.batches import Finish, endless, finished, is_real
from easyrec_lite.data.rows.cells import require
from easyrec_lite.data.rows.order import RowOrder
from easyrec_lite.data.rows.share import WHOLE, Share
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.data.samplers.open import open_sampler
from easyrec_lite.data.samplers.proposal import Proposal, count_frequencies, table_frequencies
from easyrec_lite.data.samplers.sampler import Sampler
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.transform import FeatureTransform
from easyrec_lite.protos.messages import DatasetConfig
from easyrec_lite.training.cells import cell_check, label_check

Columns = Mapping[str, Any]

COUNTED_ROWS = 1 << 16
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReadPlan:
    """Which rows are read, and in which order: the order is a function of (seed, epoch, row).

    Attributes:
      epochs: how often the data is read; None reads without end.
      start: (epoch, rows of it already consumed) to continue from; a tensor or variable, int64 [2],
        is read when a data set is made.
      shuffle: whether each epoch has its own order, derived from `seed`.
      seed: the run's seed.
      limit: the largest number of rows within one epoch and share; 0 for all.
    """

    epochs: int | None = 1
    start: tuple[int, int] | tf.Tensor = (0, 0)
    shuffle: bool = False
    seed: int = 0
    limit: int = 0


class EncodedRows(NamedTuple):
    """B rows as a cache stores them.

    Attributes:
      features: feature name → value, of the features that depend on the row alone.
      columns: the raw columns from which the rest of a batch is computed.
      located: what the sampler needs of the rows.
    """

    features: dict[str, FeatureValue]
    columns: dict[str, Any]
    located: dict[str, tf.Tensor]


class BatchInput:
    """Batches of a config's data, for training or evaluation.

    Args:
      pipeline: the config.
      path: files, as in `train_input_path`.
      transform: the config's feature transform.
      extra_columns: raw columns that the model and the metrics read, of rows and of sampled items.
      candidate_features: the features of items that compete with a row's own item, which sampled
        items need too; () samples no items.
      training: whether the batches are for training (a sampler's `num_sample`) or evaluation.
      again: whether the run will read these batches more than once.
      share: this worker's part of the rows.

    Raises:
      DataError: no such file, fewer files than workers that share them, or the sampler's table is
        wrong.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        path: str,
        transform: FeatureTransform,
        extra_columns: tuple[str, ...],
        candidate_features: tuple[str, ...],
        training: bool,
        again: bool = False,
        *,
        share: Share = WHOLE,
    ):
        data = pipeline.config.data_config
        self._transform = transform
        self._labels = View(pipeline).labels
        self._weight = data.sample_weight
        self._label_check = label_check(pipeline)
        self._extra = extra_columns
        self._late = tuple(n for n, feature in transform.features.items() if not feature.by_row)
        columns = {*transform.input_fields(self._late), *self._labels, *extra_columns}
        columns |= {self._weight} if self._weight else set()
        self.sampler = None
        self._proposal = None
        if candidate_features:
            self.sampler = open_sampler(
                pipeline,
                lambda rows: transform(rows, candidate_features),
                training=training,
                seed=pipeline.config.train_config.seed,
                cells=transform.expectations,
            )
            if training:
                self._proposal = open_proposal(pipeline, path, self.sampler)
                columns |= {self._proposal.field} if self._proposal else set()
        self._kept_columns = columns
        columns = columns | {*transform.input_fields()}
        columns |= self.sampler.fields if self.sampler else set()
        self.reader: Reader = open_reader(
            pipeline,
            path,
            training=training,
            columns=columns,
            share=share,
            cells=cell_check(pipeline, transform),
        )
        self._cache = self._open_cache(data, again)

    def _open_cache(self, data: DatasetConfig, again: bool) -> CachedRows | None:
        if data.cache.mode == data.cache.OFF or not self.reader.files:
            return None
        early = {n: s for n, s in self._transform.features.items() if n not in self._late}
        lookups = self.sampler.describe() if self.sampler else {}
        made_of = key(data, self.reader.files, early, self._kept_columns, lookups)
        small = [f"features/{name}/ids" for name, spec in early.items() if 0 < spec.rows <= 2**31]
        small += [f"located/{name}" for name in lookups]
        return CachedRows(data.cache, self.reader, made_of, self._encode, small, again)

    @property
    def cached(self) -> bool:
        """Whether the rows are read from a complete cache."""
        return self._cache is not None and self._cache.opened

    def batches(
        self, batch_size: int, order: ReadPlan, drop_remainder: bool = False
    ) -> tf.data.Dataset:
        """Returns the data set of `Batch`es of `batch_size` rows (the last may be smaller).

        With a share by rows, these are the batches of this worker; a global batch of fewer rows
        than workers has none for some of them.
        """
        if not self.reader.share.by_row:
            return _ahead(self._made(batch_size, order, drop_remainder, self._batch))
        made = self._made(batch_size, order, drop_remainder, self._batch_and_real)
        return _ahead(made.filter(is_real).map(_batch_alone))

    def padded(
        self, batch_size: int, order: ReadPlan, drop_remainder: bool = False
    ) -> tf.data.Dataset:
        """Returns an endless data set of (`Batch`, real), for workers that step together.

        `real`, a bool scalar, is False once this worker has no more rows while others may have
        some: the batch is then a substitute, and its position is the end of this worker's data.
        With shares by rows, all workers have the same positions, and end with the same batch.

        Raises:
          DataError: this worker has no batch at all, in no epoch.
        """
        first = self._begin(dataclasses.replace(order, start=(0, 0)))
        spares = self.reader.numbered(first, batch_size, drop_remainder).take(1)
        spare = next(self.read(finished(spares, self._batch)), None)
        if spare is None:
            raise DataError(self._no_batch())
        made = self._made(batch_size, order, drop_remainder, self._batch_and_real)
        return _ahead(endless(made, spare, order.start))

    def _no_batch(self) -> Problem:
        share = self.reader.share
        return Problem(
            message=f"worker {share.index} of {share.count} has no rows for even one batch",
            place=Place(", ".join(self.reader.files)),
            path="data_config.batch_size",
            expected="a batch for each worker: a good row, or with drop_remainder a full batch",
            remedy="lower data_config.batch_size, start fewer workers, or give more data",
        )

    def _begin(self, order: ReadPlan) -> RowOrder:
        return self.reader.begin(
            epochs=order.epochs, start=order.start, shuffle=order.shuffle, seed=order.seed
        )

    def _made(
        self, batch_size: int, order: ReadPlan, drop_remainder: bool, finish: Finish
    ) -> tf.data.Dataset:
        """Returns the data set of `finish` of each batch of encoded or raw rows."""
        begun = self._begin(order)
        if self._cache is not None and not order.limit and isinstance(order.start, tuple):
            return self._cache.batches(begun, batch_size, drop_remainder, finish)
        rows = self.reader.numbered(begun, batch_size, drop_remainder)
        if order.limit:
            rows = first_rows(rows, batch_size, order.limit)
        return finished(rows, finish)

    def close(self) -> None:
        """Closes the input, and deletes an unfinished cache."""
        if self._cache is not None:
            self._cache.close()

    def read(self, dataset: tf.data.Dataset) -> Iterator[Batch]:
        """Returns the batches of `batches()`.

        Raises:
          DataError: a row cannot be read; says which, and why.
        """
        return guarded(self.reader, dataset, lambda batch: batch.position)

    def _encode(self, columns: Columns) -> EncodedRows:
        """Returns what depends on each of B raw rows alone, the same in every epoch."""
        early = [name for name in self._transform.features if name not in self._late]
        kept = {name: columns[name] for name in self._kept_columns}
        with tf.name_scope("transform"):
            features = self._transform(columns, early)
        with tf.name_scope("negatives"):
            located = self.sampler.locate(columns) if self.sampler else {}
        return EncodedRows(features, kept, located)

    @tf.autograph.experimental.do_not_convert
    def _batch(self, rows: EncodedRows | Columns, position: tf.Tensor, real: Any = True) -> Batch:
        """Returns the batch of B rows, with the remaining features and sampled items.

        Args:
          rows: encoded or raw rows.
          position: int64 [2], the end of the rows.
          real: has no effect.
        """
        rows = rows if isinstance(rows, EncodedRows) else self._encode(rows)
        columns = require(self._label_check, rows.columns)
        labels = {name: tf.cast(columns[name], tf.float32) for name in self._labels}
        weights = tf.cast(columns[self._weight], tf.float32) if self._weight else None
        batch = Batch(
            features={**rows.features, **self._transform(columns, self._late)},
            labels=labels,
            weights=weights,
            extra={name: columns[name] for name in self._extra},
            position=position,
        )
        drawn = None
        if self.sampler is not None:
            with tf.name_scope("negatives"):
                drawn = self.sampler(rows.located, self.reader.share.draw(position))
            read = {name: drawn.extra[name] for name in self._extra if name in drawn.extra}
            batch = batch._replace(
                negatives=drawn.features, negative_extra=read, hard_pairs=drawn.hard_pairs
            )
        if self._proposal is None:
            return batch
        frequencies, inclusions = self._proposal(columns, drawn)
        return batch._replace(frequencies=frequencies, inclusions=inclusions)

    @tf.autograph.experimental.do_not_convert
    def _batch_and_real(self, rows: Any, position: tf.Tensor, real: tf.Tensor) -> Any:
        return self._batch(rows, position), real


@tf.autograph.experimental.do_not_convert
def _batch_alone(batch: Batch, real: tf.Tensor) -> Batch:
    return batch


def _ahead(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Returns the batches, read ahead."""
    options = tf.data.Options()
    # Autotuning measures each record, which takes a tenth of the input's time. Without it, a map
    # still uses all cores, and the buffer still grows.
    options.autotune.enabled = False
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


def open_proposal(pipeline: Pipeline, path: str, sampler: Sampler | None) -> Proposal | None:
    """Returns what computes each candidate's probability; None for a config without logQ.

    Args:
      pipeline: the config.
      path: the training data, which is read once if item frequencies are `COUNTED`.
      sampler: the sampler of negatives, or None.

    Raises:
      DataError: a row cannot be read.
    """
    options = pipeline.config.model_config.softmax
    if options.logq == options.OFF:
        return None
    field = item_id_field(pipeline.config)
    frequencies = None
    if options.logq == options.COUNTED:
        log.info("counting %s in the training data, for logq", field)
        reader = open_reader(pipeline, path, training=True, columns=[field])
        batches = column_batches(reader, COUNTED_ROWS)
        frequencies = count_frequencies(columns[field] for columns in batches)
    elif options.logq == options.ITEM_TABLE and sampler is not None:
        frequencies = table_frequencies(sampler)
    return Proposal(field, frequencies, sampler, pipeline.config.data_config.batch_size)
