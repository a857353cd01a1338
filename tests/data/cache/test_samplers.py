"""Negatives are the same with and without a cache, which holds where a row's ids were found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from google.protobuf import text_format

from easyrec_lite.config import Pipeline
from tests.data.cache.rows import SMALL, WORDS, batches, caches, made, opened, pipeline, write

ITEMS = [*WORDS[1:], *(f"item {number}" for number in range(12))]
ORDER = {"epochs": 3, "shuffle": True, "seed": 4}


def write_tables(folder: Path, items: list[str], users: list[int]) -> None:
    lines = [f"{item}\t{1 + number}\t{item}\n" for number, item in enumerate(items)]
    header = "id:string\tweight:float\tfeature:string\n"
    (folder / "items").write_text(header + "".join(lines), encoding="utf-8")
    random = np.random.default_rng(len(users))
    for name in ("positive", "hard"):
        edges = [f"{u}\t{i}\t1\n" for u in users for i in random.choice(items, 2, replace=False)]
        header = "userid:int64\titemid:string\tweight:float\n"
        (folder / name).write_text(header + "".join(edges), encoding="utf-8")


def config(folder: Path, cache: str) -> Pipeline:
    found = pipeline("CSVInput", "shuffle_buffer_size: 7", cache, SMALL)
    sampler = f"""
        hard_negative_sampler_v2 {{
          item_input_path: "{folder}/items" user_input_path: "unread"
          pos_edge_input_path: "{folder}/positive" hard_neg_edge_input_path: "{folder}/hard"
          item_id_field: "item" user_id_field: "user" attr_fields: "item"
          num_sample: 4 num_hard_sample: 1
        }}"""
    text_format.Parse(sampler, found.config.data_config)
    text_format.Parse("loss_type: SOFTMAX_CROSS_ENTROPY", found.config.model_config)
    return found


def test_the_same_negatives_and_a_cache_for_each_table(tmp_path: Path) -> None:
    data, tables = tmp_path / "data", tmp_path / "tables"
    tables.mkdir()
    rows = made(60)
    write(data, "CSVInput", rows, 31)
    users = [row["user"] for row in rows[::3]]
    write_tables(tables, ITEMS, users)
    expected = batches(opened(config(tables, "mode: OFF"), data), 16, **ORDER)
    assert batches(opened(config(tables, ""), data), 16, **ORDER) == expected
    source = opened(config(tables, ""), data)
    assert batches(source, 16, **ORDER) == expected
    assert source.cached
    assert len(caches(data)) == 1

    write_tables(tables, ITEMS[::-1], users)
    others = batches(opened(config(tables, "mode: OFF"), data), 16, **ORDER)
    assert others != expected
    assert batches(opened(config(tables, ""), data), 16, **ORDER) == others
    assert batches(opened(config(tables, ""), data), 16, **ORDER) == others
