"""How a listwise step grows with tables, batch, negatives and features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.speed.bench import Bench, speed
from benchmarks.speed.rows import LISTWISE, Row, table_rows
from benchmarks.speed.worker import Numbers

TITLE = "scaling: the listwise dssm, one size at a time"
NOTES = (
    "tables: rows of the two id tables, looked up all over them (uniform ids); "
    "negatives 0: in-batch ones alone; features: on the user's side"
)
MOST_WINDOWS = 3
# The features of the config, and those of its user's side.
FEATURES = 15
COPIED = ["cms_segid", "cms_group_id", "age_level", "pvalue_level", "shopping_level", "occupation"]
USER_FEATURES = [
    "user_id",
    *COPIED,
    "new_user_class_level",
    "tag_category_list",
    "tag_brand_list",
]


def run(bench: Bench) -> Iterator[Numbers]:
    """Yields a line a size."""
    for what, size, edits, more in _cases(bench.quick):
        row = Row(f"{what} {size}", LISTWISE.config, {**LISTWISE.edits, **edits})
        with bench.training(row, **more) as worker:
            windows = [worker.window() for _ in range(min(bench.repeats, MOST_WINDOWS))]
        yield {"what": what, "size": size, **speed(windows)}


def _cases(quick: bool) -> Iterator[tuple[str, int, dict[str, Any], dict[str, Any]]]:
    for rows in (10_000, 1_000_000) if quick else (10_000, 100_000, 1_000_000, 10_000_000):
        yield "tables", rows, table_rows(rows), {"spread": rows}
    for size in (512,) if quick else (512, 1024, 2048, 4096, 8192, 16384):
        yield "batch", size, {"data_config.batch_size": size}, {}
    for count in (0,) if quick else (0, 1024, 4096, 8192):
        yield "negatives", count, _negatives(count), {}
    for count in (20,) if quick else (5, 20, 100):
        yield "features", count, _features(count), {}


def _negatives(count: int) -> dict[str, Any]:
    if count:
        return {"data_config.negative_sampler.num_sample": count}
    return {"data_config.negative_sampler": None}


def _features(count: int) -> dict[str, Any]:
    """Returns the edits that leave the user's side `count` of its features, or add copies."""
    names = USER_FEATURES[:count]
    edits: dict[str, Any] = {}
    for number in range(count - len(names)):
        names.append(f"copy_{number}")
        edits[f"feature_config.features[{FEATURES + number}]"] = {
            "feature_name": names[-1],
            "input_names": [COPIED[number % len(COPIED)]],
            "feature_type": "IdFeature",
            "embedding_dim": 16,
            "hash_bucket_size": 10_000,
        }
    return {**edits, "model_config.feature_groups[group_name=user].feature_names": names}
