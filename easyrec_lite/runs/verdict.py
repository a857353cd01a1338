"""The verdict of the last full ranking, as commands print it."""

from __future__ import annotations

from pathlib import Path

from easyrec_lite.evaluation.ranking.report import read_ranking
from easyrec_lite.evaluation.ranking.verdict import verdict_line


def verdict_lines(folder: Path, step: int | None = None) -> list[str]:
    """Returns the line of the verdict in a model folder; none if there is none.

    Args:
      folder: the model folder.
      step: the step that the ranking must be of; None: any.
    """
    ranking = read_ranking(folder)
    if ranking is None or "verdict" not in ranking or step not in (None, ranking["step"]):
        return []
    return [f"verdict: {verdict_line(ranking['verdict'])}"]
