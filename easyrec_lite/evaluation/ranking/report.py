"""The report of a full ranking: its protocol and metrics, as text and as `ranking.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easyrec_lite.checks.ranking import QUERY_METRICS
from easyrec_lite.core.files import atomic_write
from easyrec_lite.evaluation.ranking.ranking import Ranking

FILE = "ranking.json"
PREFIX = "full_ranking/"
MODEL, POPULARITY, RANDOM = "model", "popularity", "random"


@dataclass(frozen=True)
class RankingReport:
    """The metrics of the model and of the baselines, and their protocol.

    Attributes:
      step: the number of steps that the model was trained for.
      checkpoint: the prefix of its checkpoint.
      protocol: what was ranked, and how: `items`, `queries`, `held_out`, `seen`, `ties`, ….
      ks: the lengths of lists, ascending.
      rows: scorer, seen rule, metrics.
      groups: metrics of the model for groups of held-out items.
      popularity_deciles: the items in the model's lists, and the held-out items, by popularity.
    """

    step: int
    checkpoint: str
    protocol: dict[str, Any]
    ks: tuple[int, ...]
    rows: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    popularity_deciles: dict[str, list[int]]

    def write(self, folder: Path) -> Path:
        """Writes `ranking.json` to `folder` atomically, and returns its path."""
        content = {
            "step": self.step,
            "checkpoint": self.checkpoint,
            "protocol": self.protocol,
            "rows": self.rows,
            "groups": self.groups,
            "popularity_deciles": self.popularity_deciles,
        }
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
        """Returns the protocol and the metrics of the smallest K, with baselines, in one line."""
        parts = [f"full ranking of step {self.step}: {self._counts()}, ties in random order"]
        for seen in self.protocol["seen"]:
            words = [
                f"{name} {values[MODEL]:.4f} (popularity {values[POPULARITY]:.4f}, "
                f"random {values[RANDOM]:.4f})"
                for name, values in self._by_name(seen).items()
                if name in (f"hit_rate@{self.ks[0]}", f"ndcg@{self.ks[0]}")
            ]
            parts.append(f"seen {seen}: {', '.join(words)}")
        return "; ".join(parts)

    def text(self) -> str:
        """Returns the protocol, all metrics and the groups as text."""
        protocol = self.protocol
        lines = [
            f"full ranking of step {self.step}, {self.checkpoint}",
            f"  {self._counts()}",
            f"  item table {protocol['item_table']}; queries: {protocol['query']}, from "
            f"{protocol['data']}; seen: {protocol['seen_rule']}",
            f"  missed: {protocol['missed']}: {protocol['held_out_not_in_table']} are not in the "
            f"table, {protocol['held_out_seen']} were seen",
            f"  ties: {protocol['ties']}",
        ]
        for seen in protocol["seen"]:
            lines += ["", f"seen {seen:<15}{MODEL:>12}{POPULARITY:>12}{RANDOM:>12}"]
            for name, values in self._by_name(seen).items():
                numbers = "".join(f"{value:>12.5f}" for value in values.values())
                lines.append(f"{name:<20}{numbers}")
        return "\n".join([*lines, *self._group_lines()])

    def _counts(self) -> str:
        protocol = self.protocol
        return (
            f"items {protocol['items']:,}, queries {protocol['queries']:,}, "
            f"held-out items {protocol['held_out']:,}"
        )

    def _by_name(self, seen: str) -> dict[str, dict[str, float]]:
        rows = {row["scorer"]: row["metrics"] for row in self.rows if row["seen"] == seen}
        return {
            name: {scorer: rows[scorer][name] for scorer in (MODEL, POPULARITY, RANDOM)}
            for name in rows[MODEL]
        }

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


def rows(scorer: str, ranking: Ranking, seen: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the rows of a ranking, one for each seen rule."""
    return [{"scorer": scorer, "seen": rule, "metrics": ranking.metrics(rule)} for rule in seen]
