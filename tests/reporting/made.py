"""Model folders for reports: made up by hand, or trained in a few steps on a few odd rows."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from easyrec_lite.checks.check import load_config
from easyrec_lite.config import Pipeline
from tests.serving import exported

# Texts that would do harm, or come out wrong, if they were not escaped.
HOSTILE = [
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "a&amp;b",
    "$x_1$ </svg>",
    "标题",
    "zero\u0000 and \u200eright",
]
SEEN = ("excluded", "kept")
METRICS = ["hit_rate@10", "recall@10", "ndcg@10", "mrr@10", "map@10", "coverage@10", "entropy@10"]
DNN = 'user_tower {{ id: "user_id" dnn', 'item_tower {{ id: "item_id" dnn'


def config(folder: Path, **edits: Any) -> Pipeline:
    """Returns the tiny config of the serving tests, its towers with SENet."""
    text = exported.CONFIG.replace('"DSSM"', '"DSSM_SENet"').replace("dssm {{", "dssm_senet {{")
    for tower in DNN:
        text = text.replace(tower, tower.replace("dnn", "senet {{ reduction_ratio: 2 }} dnn"))
    file = folder / "senet.config"
    file.write_text(text.format(data=folder), encoding="utf-8")
    return load_config(file, {path.replace("__", "."): value for path, value in edits.items()})


def log_lines(steps: int = 7) -> list[dict[str, Any]]:
    rng = random.Random(1)
    return [
        {
            "step": 10 * step,
            "values": {
                "cross_entropy_loss": 5 / step + rng.random(),
                "regularization_loss": rng.random() / 7,
                "total_loss": 5 / step + rng.random(),
                "gradient_norm": rng.random(),
                "learning_rate": 0.1 / step,
            },
            "examples_per_second": 1e4 * rng.random(),
            "input_wait_share": rng.random(),
        }
        for step in range(1, steps + 1)
    ]


def ranking(step: int = 70) -> dict[str, Any]:
    rng = random.Random(2)

    def metrics() -> dict[str, float]:
        return {name: rng.random() ** 3 for name in METRICS}

    rows = [
        {"scorer": scorer, "seen": seen, "metrics": metrics()}
        for seen in SEEN
        for scorer in ("model", "popularity", "random")
    ]
    for row in rows:
        means = {n: v for n, v in row["metrics"].items() if n[:3] not in ("cov", "ent")}
        row["interval"] = {name: [value / 2, value * 2] for name, value in means.items()}
    return {
        "step": step,
        "checkpoint": f"m/model.ckpt-{step}",
        "verdict": {
            "seen": "excluded",
            "metric": "recall@10",
            "text": "recall@10 0.05, 2.5 times below popularity (<0.125>)",
            "advice": ["a < b", "more & more"],
        },
        "protocol": {
            "items": 12345,
            "queries": 678,
            "held_out": 900,
            "seen": list(SEEN),
            "ties": "mean of <the> places",
        },
        "rows": rows,
        "groups": [
            {"by": by, "value": value, "seen": "kept", "queries": 7, "metrics": metrics()}
            for by in ("city", "new_user")
            for value in HOSTILE
        ],
        "popularity_deciles": {
            "recommended": [rng.randrange(999) for _ in range(10)],
            "held_out": [rng.randrange(99) for _ in range(10)],
        },
    }


def weights() -> dict[str, Any]:
    rng = random.Random(3)

    def features(names: list[str]) -> list[dict[str, Any]]:
        keys = ("mean", "magnitude", "spread", "size")
        return [{"name": name, "dim": 8, **{key: rng.random() for key in keys}} for name in names]

    return {
        "step": 70,
        "layers": [
            {"tower": "user", "layer": "user_senet", "features": features(HOSTILE)},
            {"tower": "item", "layer": "item_senet", "features": features(["item_id", "brand"])},
        ],
    }


def fill(folder: Path) -> None:
    """Writes every file but checkpoints and exports."""
    evaluations: list[dict[str, Any]] = [
        {"step": step, "metrics": {"recall@1": step / 997, "auc": 0.5, "loss/total_loss": 1 / step}}
        for step in (20, 40, 60)
    ]
    result = {"global_step": 70, "recall@1": 0.0712345678, "auc": 0.75, "loss/total_loss": 0.03}
    ranked = {f"full_ranking/{seen}/mrr@{k}": k / 9 for seen in SEEN for k in (5, 10)}
    result |= ranked
    evaluations[-1]["metrics"] |= ranked
    result["alone"] = 1.25
    _lines(folder / "training_log.jsonl", log_lines())
    _lines(folder / "evaluations.jsonl", evaluations)
    for name, content in (
        ("eval_result", result),
        ("ranking", ranking()),
        ("feature_weights", weights()),
    ):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    text = "# <b>not bold</b> & 标题\n" + (folder.parent / "senet.config").read_text("utf-8")
    (folder / "pipeline.config").write_text(text, encoding="utf-8")


def _lines(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def write_data(folder: Path) -> None:
    """Writes rows and items as the serving tests have them, the brands hostile."""
    exported.write_data(folder)
    for name in ("rows.csv", "items.txt"):
        text = (folder / name).read_text("utf-8")
        for brand, hostile in zip(sorted(set(exported.BRANDS)), HOSTILE, strict=False):
            quoted = '"' + hostile.replace('"', '""') + '"'
            text = text.replace(brand, quoted if name == "rows.csv" else hostile)
        (folder / name).write_text(text, encoding="utf-8")
