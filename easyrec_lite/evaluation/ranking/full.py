"""Full ranking of a model: its item table against the held-out items of its evaluation data."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from easyrec_lite.checks.item_id import item_table
from easyrec_lite.checks.ranking import EXCLUDED, KEPT
from easyrec_lite.checks.rules.full_ranking import lengths
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.config.data_paths import train_path
from easyrec_lite.core.errors import DataError, Place
from easyrec_lite.data.readers.base import open_reader
from easyrec_lite.data.tables.item_rows import load_items
from easyrec_lite.evaluation.ranking.baselines import rank_item_knn, rank_popularity, rank_random
from easyrec_lite.evaluation.ranking.breakdown import (
    HeldOutLabels,
    decile_counts,
    deciles,
    groups,
    item_labels,
)
from easyrec_lite.evaluation.ranking.common import user_codes
from easyrec_lite.evaluation.ranking.history import InteractionHistory, read_history
from easyrec_lite.evaluation.ranking.ids import IdLookup, RankingColumns
from easyrec_lite.evaluation.ranking.intervals import LEVEL, RESAMPLES
from easyrec_lite.evaluation.ranking.outcomes import QueryOutcomes
from easyrec_lite.evaluation.ranking.progress import ranking_progress
from easyrec_lite.evaluation.ranking.queries import Queries, QueryReader
from easyrec_lite.evaluation.ranking.ranking import Ranking, rank
from easyrec_lite.evaluation.ranking.report import RankingReport
from easyrec_lite.evaluation.ranking.rows import rows
from easyrec_lite.evaluation.ranking.scorers import ITEM_KNN, MODEL, POPULARITY, RANDOM
from easyrec_lite.evaluation.ranking.sets import ABSENT
from easyrec_lite.evaluation.ranking.ties import TIES
from easyrec_lite.evaluation.ranking.verdict import verdict
from easyrec_lite.models.assembly import Parts
from easyrec_lite.models.retrieval.encoders import ItemEncoder
from easyrec_lite.models.retrieval.task import retrieval_of
from easyrec_lite.training.first_rows import ranked_join_problem

log = logging.getLogger(__name__)

INTERVALS = f"{100 * LEVEL:g} % of {RESAMPLES:,} bootstrap samples of the users"
MISSED = "a held-out item that cannot be recommended"


class FullRanking:
    """Ranks all items as `eval_config.full_ranking` says; each `run` uses the current weights.

    The item table, the seen items and the baselines are read and computed once.

    Args:
      parts: the model.
      path: the evaluation data, as `eval_input_path`.
      seen_path: data whose items count as seen if the config names none.

    Raises:
      ConfigError: it is a model of another task.
      DataError: a file is missing, or the item table has bad lines.
    """

    def __init__(self, parts: Parts, path: str, seen_path: str):
        config = parts.pipeline.config
        options = config.eval_config.full_ranking
        self._path, self._seen_path = path, options.seen_path or seen_path
        self._ks, self._seed = lengths(options), config.train_config.seed
        self._view = View(parts.pipeline)
        self._fields = RankingColumns(parts.pipeline)
        self._combine = retrieval_of(parts.model).combine
        self._encoder = ItemEncoder(parts)
        table = options.item_path or item_table(parts.pipeline.config)
        self._items = load_items(
            parts.pipeline, table, self._encoder.inputs, parts.transform.expectations
        )
        self._check_join(parts.pipeline, table)
        self._knn = options.item_knn
        self._by_row = options.by_row or not self._fields.user
        self._numbers = IdLookup(self._items.ids)
        of_items = [name for name in options.group_by if name in self._items.columns]
        self._of_items = {name: _as_text(self._items.columns[name]) for name in of_items}
        self._of_users = [name for name in options.group_by if name not in of_items]
        self._queries = QueryReader(parts, path, self._fields, self._of_users)
        self._seen = open_reader(
            parts.pipeline, self._seen_path, training=True, columns=self._fields.columns
        )
        self._history: InteractionHistory | None = None
        self._digests: dict[str, str] = {}
        self._baselines: dict[str, Ranking] = {}

    @property
    def _seen_rules(self) -> tuple[str, ...]:
        return (EXCLUDED, KEPT) if self._fields.user else (KEPT,)

    def _check_join(self, pipeline: Pipeline, table: str) -> None:
        """Logs when the item table lacks items of the evaluation data, or of the seen data.

        Raises:
          DataError: it lacks all of them, so that nothing could be ranked, or is seen.
        """
        ids = self._items.ids
        for path in dict.fromkeys((self._path, self._seen_path)):
            problem = ranked_join_problem(pipeline, path, ids, table)
            if problem and problem.severity == "error":
                raise DataError(problem)
            if problem:
                log.warning("%s", problem)

    def run(self, step: int, checkpoint: str, bar: bool = False) -> RankingReport:
        """Ranks all items for each query, and returns the report.

        Args:
          step: the number of steps that the model was trained for.
          checkpoint: the prefix of its checkpoint.
          bar: whether a progress bar may be shown.

        Raises:
          DataError: data cannot be read, or nothing is held out.
          RunError: a vector is not finite.
        """
        queries = self._queries.read(self._numbers)
        history = self._read_history(queries)
        total = int((queries.held_out.sizes > 0).sum()) * len(self._items)
        with ranking_progress(total, bar) as progress:
            ranking = rank(
                queries.vectors,
                self._encoder.vectors(self._items),
                queries.held_out,
                history.seen,
                self._ks,
                seed=self._seed,
                progress=progress,
                combine=self._combine,
            )
        if not self._fields.user:
            del ranking.outcomes[EXCLUDED]
        decile = deciles(history.counts)
        protocol = self._protocol(queries, history, ranking)
        scorers = {MODEL: ranking, **self._ranked_baselines(queries, history)}
        users = user_codes(queries.users)[queries.held_out.sizes > 0]
        made = rows(scorers, self._seen_rules, self._seed, users)
        epochs = self._epochs(step, history)
        return RankingReport(
            step,
            checkpoint,
            protocol,
            ranking.ks,
            made,
            verdict(self._view, made, ranking.ks, protocol, epochs),
            [
                group
                for labels in self._labels(queries, history, decile)
                for group in groups(ranking, labels)
            ],
            _popularity_deciles(ranking, decile, self._seen_rules[0]),
            QueryOutcomes.of(ranking, queries.users, self._items.ids),
        )

    def _read_history(self, queries: Queries) -> InteractionHistory:
        if self._history is None:
            ids = self._items.ids
            history = read_history(self._seen, self._fields, ids, queries.users, self._knn)
            users = set(queries.users) - {""} if self._fields.user else set()
            told = list(history.problems(ids, users, Place(self._seen_path)))
            if any(problem.severity == "error" for problem in told):
                raise DataError(told)
            for problem in told:
                log.warning("%s", problem)
            self._history = history
            order = np.argsort(ids.astype(str))
            self._digests = {
                "items_digest": _digest(ids[order]),
                "seen_digest": _digest(history.counts[order]),
            }
        return self._history

    def _ranked_baselines(
        self, queries: Queries, history: InteractionHistory
    ) -> dict[str, Ranking]:
        if not self._baselines:
            given = (queries.held_out, history.seen, self._ks)
            seed, count = self._seed, len(self._items)
            found = {POPULARITY: rank_popularity(history.counts, *given, seed=seed)}
            if history.everyone is not None:
                found[ITEM_KNN] = rank_item_knn(history.everyone, count, *given, seed=seed)
            self._baselines = {**found, RANDOM: rank_random(count, *given, seed=seed)}
        return self._baselines

    def _epochs(self, step: int, history: InteractionHistory) -> float | None:
        """Returns how often the training rows were read; None if that is not known."""
        config = self._view.config
        alone = not config.train_config.train_distribute
        if self._seen_path != train_path(self._view.pipeline) or not alone or not history.all_rows:
            return None
        return step * config.data_config.batch_size / history.all_rows

    def _labels(
        self, queries: Queries, history: InteractionHistory, decile: np.ndarray
    ) -> list[HeldOutLabels]:
        """Returns the labels by which the held-out items are grouped."""
        held_out = queries.held_out
        tenths = (decile + 1).astype(str)
        known = np.where(history.counts > 0, "known", "new")
        labels = [
            HeldOutLabels("item popularity decile", _of_items(held_out.items, tenths)),
            HeldOutLabels("item in the seen data", _of_items(held_out.items, known)),
        ]
        if self._fields.user:
            users = np.where(history.known, "known", "new").astype(object)
            labels.append(HeldOutLabels("user in the seen data", users[held_out.queries]))
        for name, values in self._of_items.items():
            labels.append(HeldOutLabels(name, _of_items(held_out.items, values)))
        for name in self._of_users:
            labels.append(HeldOutLabels(name, queries.columns[name][held_out.queries]))
        return labels

    def _protocol(
        self, queries: Queries, history: InteractionHistory, ranking: Ranking
    ) -> dict[str, Any]:
        held_out, fields = queries.held_out, self._fields
        keys = held_out.queries * len(self._items) + held_out.items
        again = np.isin(keys[held_out.items != ABSENT], history.seen.keys(len(self._items)))
        positives = f" with {fields.label} above 0" if fields.label else ""
        seen_rule = f"items of rows{positives} with the same {fields.user} in {self._seen_path}"
        return {
            "items": len(self._items),
            "queries": ranking.queries,
            "held_out": len(held_out.items),
            "seen": list(self._seen_rules),
            "ties": TIES,
            "intervals": INTERVALS,
            "queries_without_held_out": len(held_out) - ranking.queries,
            "held_out_not_in_table": int((held_out.items == ABSENT).sum()),
            "held_out_seen": int(again.sum()),
            "seen_rows": history.rows,
            "seen_rows_not_in_table": history.unknown,
            **self._digests,
            "missed": f"{MISSED} (not in the table; seen, where seen items are excluded)",
            "query": "a row" if self._by_row else f"a {fields.user}, by its first row",
            "seen_rule": seen_rule if fields.user else "nothing, as no column names the user",
            "popularity": f"rows{positives} in {self._seen_path}",
            "popularity_deciles": f"of the first {ranking.ks[0]}, seen {self._seen_rules[0]}",
            "item_table": self._items.source,
            "item_id": fields.item,
            "data": self._path,
            "rows": queries.rows,
            "seed": self._seed,
        }


def _digest(values: np.ndarray) -> str:
    """Returns a text that tells values [M] from others."""
    return hashlib.sha256("\n".join(map(str, values.tolist())).encode()).hexdigest()[:16]


def _of_items(items: np.ndarray, values: np.ndarray) -> np.ndarray:
    return item_labels(items, values, "(not in the table)")


def _as_text(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    return np.array([str(value) for value in values], object)


def _popularity_deciles(ranking: Ranking, decile: np.ndarray, seen: str) -> dict[str, list[int]]:
    known = ranking.held_out.items[ranking.held_out.items != ABSENT]
    shown = ranking.outcomes[seen].counts[ranking.ks[0]]
    return {
        "recommended": decile_counts(decile, shown),
        "held_out": decile_counts(decile, np.bincount(known, minlength=len(decile))),
    }
