"""The main results of the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from easyrec_lite.evaluation.ranking.verdict import verdict_line
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.section import Section

METRICS = 4
# The ranking has a card of its own; recall has two more kinds, which say less.
SECONDARY = ("full_ranking/", "recall_neg_sam@", "recall_in_batch@")


class Card(NamedTuple):
    """A value with its name below it, and the popularity baseline's value beside it."""

    name: str
    value: object
    baseline: float | None = None


def content(folder: ModelFolder) -> dict[str, Any]:
    """Returns cards: the model, its newest step and metrics, the export."""
    result = folder.result
    metrics = [name for name in result if not name.startswith(("global_step", "loss/", *SECONDARY))]
    cards = [
        Card("model", folder.pipeline.config.model_config.model_class),
        Card("newest checkpoint at step", folder.step if folder.step is not None else "none"),
        *_ranking(folder),
        *(Card(_labelled(name), result[name]) for name in metrics[:METRICS]),
        Card("export at step", folder.manifest.get("step", "none")),
    ]
    evaluated = result.get("global_step")
    stale = None not in (evaluated, folder.step) and evaluated != folder.step
    return {
        "cards": cards,
        "stale_step": evaluated if stale else None,
        "verdict": _verdict(folder),
    }


def _verdict(folder: ModelFolder) -> str | None:
    """Returns where the model stands against its baselines, and what to try."""
    ranking = folder.ranking or {}
    return verdict_line(ranking["verdict"]) if "verdict" in ranking else None


def _labelled(name: str) -> str:
    return f"{name}, within batches" if name.startswith("recall@") else name


def _ranking(folder: ModelFolder) -> Iterator[Card]:
    """Yields the model's first metric among all items, beside popularity's."""
    rows = (folder.ranking or {}).get("rows", [])
    first = {row["scorer"]: row["metrics"] for row in reversed(rows)}
    name = next(iter(first.get("model", {})), None)
    if name is not None:
        baseline = first.get("popularity", {}).get(name)
        yield Card(f"{name}, among all items", first["model"][name], baseline)


SECTION = Section("overview", "Overview", content)
