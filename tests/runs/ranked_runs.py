"""Model folders of runs with a full ranking, made without training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from easyrec_lite.config.load import load
from easyrec_lite.config.save import save
from easyrec_lite.evaluation.ranking import Ranking, rank_scores
from easyrec_lite.evaluation.ranking.outcomes import QueryOutcomes
from easyrec_lite.evaluation.ranking.report import RankingReport
from easyrec_lite.evaluation.ranking.rows import rows

CONFIG = "dssm_senet_on_taobao.config"
ITEMS = 30


def scores(seed: int, queries: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).random((queries, ITEMS)).astype(np.float32)


def make_run(
    folder: Path,
    values: np.ndarray,
    held_out: Sequence[Sequence[int]],
    users: Sequence[str] | None = None,
    step: int = 5,
    edits: dict[str, Any] | None = None,
    **protocol: Any,
) -> Path:
    """Writes `pipeline.config` and the files of a ranking by scores [Q, M]; returns the folder."""
    names = list(users or (f"user {query}" for query in range(len(values))))
    seen: list[list[int]] = [[] for _ in values]
    whole = rank_scores(lambda queries: values[queries], ITEMS, held_out, seen, [1, 5])
    rules = protocol.setdefault("seen", ["kept"])
    outcomes = {rule: whole.outcomes[rule] for rule in rules}
    ranking = Ranking(whole.items, whole.ks, whole.held_out, outcomes)
    given = {
        "items": ITEMS,
        "items_digest": "i",
        "seen_digest": "s",
        "query": "a user_id, by its first row",
        "item_id": "adgroup_id",
        "item_table": "items.txt",
        "seen_rows": 9,
        "seen_rule": "nothing",
        "queries": ranking.queries,
        "data": "test.csv",
        "seed": 3,
    }
    verdict = {"seen": "kept", "metric": "recall@1", "text": "t", "advice": []}
    places = QueryOutcomes.of(ranking, names, np.array([f"ä{item}" for item in range(ITEMS)]))
    made = rows({"model": ranking}, rules, 3)
    folder.mkdir(parents=True)
    report = RankingReport(
        step, f"model.ckpt-{step}", given | protocol, ranking.ks, made, verdict, [], {}, places
    )
    report.write(folder)
    save(load(CONFIG, {"model_dir": str(folder), **(edits or {})}), folder / "pipeline.config")
    result = {"global_step": step, "recall@1": 0.25, "full_ranking/kept/recall@1": 0.5}
    (folder / "eval_result.json").write_text(json.dumps(result), encoding="utf-8")
    return folder
