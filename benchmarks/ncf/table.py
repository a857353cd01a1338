"""The study's results as Markdown tables: mean ± standard deviation over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.ncf.cases import Case
from benchmarks.ncf.metrics import TOP

REFERENCES = (
    "Known figures on MovieLens-1M: (a) popularity .454 / .254, iALS .731 / .453, tuned matrix "
    "factorisation .729 / .452 (HR@10 / NDCG@10, NCF's split); (b) seen kept, by DeepMatch's own "
    "split: popularity HR@50 .103, its DSSM .3555, its sequence models .44 – .48."
)
Result = dict[str, Any]


def tables(cases: Sequence[Case], results: Sequence[Result | None], caption: str) -> str:
    """Returns the tables of both protocols.

    Args:
      cases: what was to be run.
      results: of each, None where there is none.
      caption: what stands above them.
    """
    rows: dict[tuple[str, str], list[Result]] = {}
    for case, result in zip(cases, results, strict=True):
        found = rows.setdefault((case.model, case.variant), [])
        if result is not None:
            found.append(result)
    ranked = [f"hr@{k}" for k in TOP] + ["ndcg@10"]
    return "\n\n".join(
        [
            caption + "\n\n" + REFERENCES,
            "**(a) Leave-one-out against 99 negatives, and what a run costs**",
            _table(rows, ["ncf_hr@10", "ncf_ndcg@10"], costs=True),
            "**(b) Among all items, those seen in training kept**",
            _table(rows, [f"kept_{name}" for name in ranked]),
            "**(b) Among all items, those seen in training excluded**",
            _table(rows, [f"excluded_{name}" for name in ranked]),
        ]
    )


def _table(
    rows: dict[tuple[str, str], list[Result]], metrics: Sequence[str], costs: bool = False
) -> str:
    titles = [name.split("_")[1].upper() for name in metrics]
    names = ["model", "variant", "seeds", *titles]
    if costs:
        names += ["weights in tables", "in layers", "CPU s", "wall s"]
    lines = [names, ["---", "---", *["---:"] * (len(names) - 2)]]
    for (model, variant), results in rows.items():
        cells = [model, variant, str(len(results))]
        cells += [spread([one["metrics"][name] for one in results]) for name in metrics]
        if costs:
            cells += [_count(results, "table_weights"), _count(results, "dense_weights")]
            cells += [_seconds(results, "cpu_seconds"), _seconds(results, "wall_seconds")]
        lines.append(cells)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def spread(values: Sequence[float]) -> str:
    """Returns mean ± sample standard deviation, the mean alone for one value, a dash for none."""
    if not values:
        return "–"
    mean = f"{np.mean(values):.4f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.4f}"


def _count(results: Sequence[Result], name: str) -> str:
    counts = {result[name] for result in results if name in result}
    return " / ".join(f"{count:,}" for count in sorted(counts)) or "–"


def _seconds(results: Sequence[Result], name: str) -> str:
    return f"{np.mean([result[name] for result in results]):.0f}" if results else "–"
