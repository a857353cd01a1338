"""How popular the recommended items are, compared with the items that users took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from easyrec_lite.reporting.figures import bars
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.rendering import ReportTable
from easyrec_lite.reporting.section import Section


def content(folder: ModelFolder) -> dict[str, Any]:
    """Returns the share of each popularity decile, as a picture and as a table."""
    deciles = (folder.ranking or {}).get("popularity_deciles")
    if not deciles:
        return {"shares": None}
    recommended, held_out = deciles["recommended"], deciles["held_out"]
    series = {"recommended": _shares(recommended), "held out": _shares(held_out)}
    labels = [str(number) for number in range(1, len(recommended) + 1)]
    labels = ["1 (most popular)", *labels[1:]]
    alt = (
        "Shares of the popularity deciles, the most popular items first. Recommended: "
        f"{_listed(series['recommended'])}. Held out: {_listed(series['held out'])}."
    )
    columns = ["decile", "recommended", "share", "held out", "share"]
    cells = [recommended, series["recommended"], held_out, series["held out"]]
    rows = list(zip(labels, *cells, strict=True))
    return {
        "figure": bars("figure-popularity", alt, labels, series, "share of items"),
        "shares": ReportTable("Items by popularity decile", columns, rows),
    }


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]


def _listed(shares: Sequence[float]) -> str:
    return ", ".join(f"{share:.1%}" for share in shares)


SECTION = Section("popularity", "Popularity", content)
