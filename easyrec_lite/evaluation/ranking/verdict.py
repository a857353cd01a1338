"""Where a model stands against its baselines, in one line, with what to try if it is not above."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from easyrec_lite.checks.advice import advice
from easyrec_lite.checks.decision import decision_metric
from easyrec_lite.checks.ranking import EXCLUDED, KEPT, QUERY_METRICS
from easyrec_lite.checks.view import View
from easyrec_lite.evaluation.ranking.scorers import MODEL, POPULARITY, RANDOM, REFERENCES

PREFIX = "full_ranking/"
# With fewer queries the interval itself is unreliable.
FEW_QUERIES = 20
PERCENT_BELOW = 1.095
BELOW = ("below", "unclear")


@dataclass(frozen=True)
class Standing:
    """A model's metric against a baseline's.

    Attributes:
      baseline: the scorer.
      side: `above`, `below`, or `unclear` if the interval of the difference contains 0.
      text: the same in words, with the baseline's value.
    """

    baseline: str
    side: str
    text: str


def chosen_metric(view: View, ks: Sequence[int], protocol: Mapping[str, Any]) -> tuple[str, str]:
    """Returns the seen rule and the metric that the verdict is about.

    They are those of `best_exporter_metric`, if it is one of a query's list. Otherwise it is the
    recall at the middle K with seen items excluded; kept, if most held-out items were seen.
    """
    name = decision_metric(view.config.export_config)
    if name.startswith(PREFIX) and name.count("/") == 2:
        _, seen, metric = name.split("/")
        kind, _, k = metric.partition("@")
        if seen in protocol["seen"] and kind in QUERY_METRICS and k in map(str, ks):
            return seen, metric
    again = 2 * protocol["held_out_seen"] > protocol["held_out"]
    seen = EXCLUDED if EXCLUDED in protocol["seen"] and not again else KEPT
    return seen, f"recall@{ks[len(ks) // 2]}"


def verdict(
    view: View,
    rows: Sequence[Mapping[str, Any]],
    ks: Sequence[int],
    protocol: Mapping[str, Any],
    epochs: float | None = None,
) -> dict[str, Any]:
    """Returns the verdict as `ranking.json` has it: `seen`, `metric`, `text`, `advice`.

    Args:
      view: the config of the model.
      rows: as of `rows`.
      ks: the lengths of lists.
      protocol: of the ranking.
      epochs: as of `advice`.
    """
    seen, metric = chosen_metric(view, ks, protocol)
    found = {row["scorer"]: row for row in rows if row["seen"] == seen}
    if metric not in found[MODEL].get("interval", {}):
        return _content(seen, metric, "no query has a held-out item", [])
    queries = protocol["queries"]
    standings = {
        name: standing(found[MODEL], found[name], metric, queries)
        for name in (*REFERENCES, RANDOM)
        if name in found
    }
    shown = [each for name, each in standings.items() if name in REFERENCES]
    low, high = found[MODEL]["interval"][metric]
    value = f"{found[MODEL]['metrics'][metric]:.3g} (95 %: {low:.3g} to {high:.3g})"
    text = f"{metric} {value}, {', '.join(each.text for each in shown)}, seen items {seen}"
    given = []
    if any(each.side in BELOW for each in shown):
        chance = queries >= FEW_QUERIES and standings[RANDOM].side in BELOW
        # Where popularity ranks like chance too, no other model need do better.
        chance &= found[POPULARITY]["interval"][metric][0] > found[RANDOM]["metrics"][metric]
        given = [each.text for each in advice(view, epochs=epochs, chance=chance)]
    return _content(seen, metric, text, given)


def _content(seen: str, metric: str, text: str, given: list[str]) -> dict[str, Any]:
    return {"seen": seen, "metric": metric, "text": text, "advice": given}


def standing(
    model: Mapping[str, Any], baseline: Mapping[str, Any], metric: str, queries: int
) -> Standing:
    """Returns where a row of a model stands against a row of a baseline.

    Args:
      model, baseline: as of `rows`.
      metric: such as `recall@50`.
      queries: how many there are.
    """
    name = baseline["scorer"]
    ours, theirs = model["metrics"][metric], baseline["metrics"][metric]
    low, high = baseline["difference"][metric]
    if queries < FEW_QUERIES or low <= 0 <= high:
        few = f" by {queries} queries" if queries < FEW_QUERIES else ""
        return Standing(name, "unclear", f"not told apart from {name} ({theirs:.3g}){few}")
    side = "above" if ours > theirs else "below"
    return Standing(name, side, f"{_times(ours, theirs)} {name} ({theirs:.3g})")


def _times(ours: float, theirs: float) -> str:
    """Returns how far two numbers are apart: `2.3 times`, `2.5 times below`, `4 % above`."""
    small, large = sorted((ours, theirs))
    if small <= 0:
        return "above" if ours > theirs else "below"
    ratio = large / small
    if ratio < PERCENT_BELOW:
        percent = 100 * (ours / theirs - 1)
        return f"{abs(percent):.2g} % {'above' if percent > 0 else 'below'}"
    shown = f"{ratio:.2g}" if ratio < 100 else f"{ratio:,.0f}"
    return f"{shown} times" + ("" if ours > theirs else " below")


def verdict_line(content: Mapping[str, Any]) -> str:
    """Returns a verdict of `ranking.json` in one line, with what to try."""
    if not content["advice"]:
        return str(content["text"])
    return f"{content['text']}: try {'; '.join(content['advice'])}; see docs/negatives.md"
