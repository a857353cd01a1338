"""The report of a full ranking: its protocol and metrics, as text and as `ranking.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easyrec_lite.checks.ranking import QUERY_METRICS
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError
from easyrec_lite.core.files import atomic_write, damaged
from easyrec_lite.evaluation.ranking.outcomes import QueryOutcomes
from easyrec_lite.evaluation.ranking.scorers import MODEL, POPULARITY
from easyrec_lite.evaluation.ranking.verdict import PREFIX, verdict_line

FILE = "ranking.json"


@dataclass(frozen=True)
class RankingReport:
    """The metrics of the model and of the baselines, and their protocol.

    Attributes:
      step: the number of steps that the model was trained for.
      checkpoint: the prefix of its checkpoint.
      protocol: what was ranked, and how: `items`, `queries`, `held_out`, `seen`, `ties`, ….
      ks: the lengths of lists, ascending.
      rows: scorer, seen rule, metrics, intervals; see `rows`.
      verdict: where the model stands, and what to try; see `verdict`.
      groups: metrics of the model for groups of held-out items.
      popularity_deciles: the items in the model's lists, and the held-out items, by popularity.
      outcomes: the places of the held-out items of each query.
    """

    step: int
    checkpoint: str
    protocol: dict[str, Any]
    ks: tuple[int, ...]
    rows: list[dict[str, Any]]
    verdict: dict[str, Any]
    groups: list[dict[str, Any]]
    popularity_deciles: dict[str, list[int]]
    outcomes: QueryOutcomes

    def write(self, folder: Path) -> Path:
        """Writes `ranking_queries.parquet` and `ranking.json`, and returns the latter's path."""
        content = {
            "step": self.step,
            "checkpoint": self.checkpoint,
            "verdict": self.verdict,
            "protocol": self.protocol,
            "rows": self.rows,
            "groups": self.groups,
            "popularity_deciles": self.popularity_deciles,
        }
        self.outcomes.write(folder, self.step)
        atomic_write(folder / FILE, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        return folder / FILE

    def metrics(self) -> dict[str, float]:
        """Returns the model's metrics, `full_ranking/SEEN/NAME@K` → value."""
        return {
            f"{PREFIX}{row['seen']}/{name}": value
            for row in self.rows
            if row["scorer"] == MODEL
            for name, value in row["metrics"].items()
        }

    def compared(self, name: str) -> tuple[float | None, float | None]:
        """Returns the metric `full_ranking/SEEN/NAME@K` of the model, and of popularity."""
        _, seen, metric = name.split("/", 2)
        values = {row["scorer"]: row["metrics"] for row in self.rows if row["seen"] == seen}
        return values[MODEL].get(metric), values[POPULARITY].get(metric)

    def line(self) -> str:
        """Returns the protocol, the verdict and the metrics of the smallest K in one line."""
        parts = [
            f"full ranking of step {self.step}: {self._counts()}, ties in random order",
            self.verdict["text"],
        ]
        for seen in self.protocol["seen"]:
            words = [
                f"{name} {values.pop(MODEL):.4f} ({_listed(values)})"
                for name, values in self._by_name(seen).items()
                if name in (f"hit_rate@{self.ks[0]}", f"ndcg@{self.ks[0]}")
            ]
            parts.append(f"seen {seen}: {', '.join(words)}")
        return "; ".join(parts)

    def text(self) -> str:
        """Returns the verdict, the protocol, all metrics and the groups as text."""
        protocol = self.protocol
        lines = [
            f"full ranking of step {self.step}, {self.checkpoint}",
            f"  {verdict_line(self.verdict)}",
            f"  {self._counts()}",
            f"  item table {protocol['item_table']}; queries: {protocol['query']}, from "
            f"{protocol['data']}; seen: {protocol['seen_rule']}",
            f"  missed: {protocol['missed']}: {protocol['held_out_not_in_table']} are not in the "
            f"table, {protocol['held_out_seen']} were seen",
            f"  ties: {protocol['ties']}",
            f"  intervals: {protocol['intervals']}",
        ]
        for seen in protocol["seen"]:
            lines += ["", *self._table(seen)]
        return "\n".join([*lines, *self._group_lines()])

    def _counts(self) -> str:
        protocol = self.protocol
        return (
            f"items {protocol['items']:,}, queries {protocol['queries']:,}, "
            f"held-out items {protocol['held_out']:,}"
        )

    def _of_seen(self, seen: str) -> dict[str, dict[str, Any]]:
        """Returns scorer → row."""
        return {row["scorer"]: row for row in self.rows if row["seen"] == seen}

    def _by_name(self, seen: str) -> dict[str, dict[str, float]]:
        """Returns metric → scorer → value."""
        found = self._of_seen(seen)
        return {
            name: {scorer: row["metrics"][name] for scorer, row in found.items()}
            for name in found[MODEL]["metrics"]
        }

    def _table(self, seen: str) -> Iterator[str]:
        """Yields the lines of a table: the model's metrics, their intervals, the baselines'."""
        intervals = self._of_seen(seen)[MODEL].get("interval", {})
        first, *others = self._of_seen(seen)
        head = "".join(f"{scorer:>12}" for scorer in others)
        yield f"seen {seen:<15}{first:>12}{'95 % interval':>22}{head}"
        for name, values in self._by_name(seen).items():
            bounds = "{:.5f} to {:.5f}".format(*intervals[name]) if name in intervals else ""
            value, *rest = values.values()
            numbers = "".join(f"{each:>12.5f}" for each in rest)
            yield f"{name:<20}{value:>12.5f}{bounds:>22}{numbers}"

    def _group_lines(self) -> list[str]:
        names = [f"{name}@{self.ks[0]}" for name in QUERY_METRICS]
        lines, before = [], ("", "")
        for group in self.groups:
            if (group["by"], group["seen"]) != before:
                before = (group["by"], group["seen"])
                title = f"by {group['by']}, seen {group['seen']}"
                head = "".join(f"{name:>14}" for name in names)
                lines += ["", f"{title:<46}{'queries':>9}{head}"]
            numbers = "".join(f"{group['metrics'][name]:>14.5f}" for name in names)
            lines.append(f"  {group['value'][:43]:<44}{group['queries']:>9,}{numbers}")
        return lines


def read_ranking(folder: Path) -> dict[str, Any] | None:
    """Returns the content of `ranking.json` in a model folder; None if there is none.

    Raises:
      DataError: it is damaged.
    """
    path = folder / FILE
    if not fs.exists(path):
        return None
    try:
        return dict(json.loads(fs.read_text(path)))
    except (ValueError, TypeError) as error:
        raise DataError(damaged(path, error, "evaluate again, or remove the file")) from error


def _listed(values: dict[str, float]) -> str:
    return ", ".join(f"{scorer} {value:.4f}" for scorer, value in values.items())
