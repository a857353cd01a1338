"""Ranks held-out clicks among all items: `python -m benchmarks.full_ranking MODEL_DIR …`.

For each model folder: the newest export's two towers, the evaluation rows that its config names
(positives), and all items of its sampler's table. Printed is the share of rows whose item is among
the first K of all items (recall@K; one item a row), beside popularity (clicks in the training rows)
and chance. Items seen in training stay in; a tie counts half.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TOP = (10, 50, 100)


def read_rows(path: str, config: Any) -> pd.DataFrame:
    """Returns the rows of a config's delimited file as text."""
    names = [field.input_name for field in config.data_config.input_fields]
    return pd.read_csv(
        path, sep=config.data_config.separator, names=names, dtype=str, keep_default_na=False
    )


def read_items(config: Any) -> pd.DataFrame:
    """Returns the sampler's items, a column for each of its `attr_fields`."""
    sampler = getattr(config.data_config, config.data_config.WhichOneof("sampler"))
    table = pd.read_csv(sampler.input_path, sep="\t", dtype=str, keep_default_na=False)
    columns = table.iloc[:, 2].str.split(sampler.attr_delimiter, expand=True)
    columns.columns = list(sampler.attr_fields)
    return columns.assign(id=columns[sampler.item_id_field])


def ranks(scores: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Returns [Q], how many of M items score above the true one; a tie counts half.

    Args:
      scores: [Q, M] or, the same for all rows, [1, M].
      true: int [Q], the column of the row's own item.
    """
    found = np.empty(len(true))
    for row, column in enumerate(true):
        line = scores[row % len(scores)]
        found[row] = (line > line[column]).sum() + ((line == line[column]).sum() - 1) / 2
    return found


def vectors(export: Path, tower: str, rows: pd.DataFrame) -> np.ndarray:
    """Returns what the exported `tower` makes of `rows`, [R, D]."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(export / tower))
    call = loaded.signatures["serving_default"]
    inputs = call.structured_input_signature[1]
    return call(**{name: tf.constant(rows[name].tolist()) for name in inputs})[
        f"{tower}_emb"
    ].numpy()


def study(folder: Path) -> dict[str, np.ndarray]:
    """Returns the ranks of the held-out items by the model and by popularity, and M."""
    from easyrec_lite.config import load
    from easyrec_lite.protos import enum_descriptor
    from easyrec_lite.serving.folders import exports

    config = load(folder / "pipeline.config").config
    export = exports(folder / "export" / "final")[-1]
    rows, seen, items = (
        read_rows(config.eval_input_path, config),
        read_rows(config.train_input_path, config),
        read_items(config),
    )
    sampler = getattr(config.data_config, config.data_config.WhichOneof("sampler"))
    column = {item: at for at, item in enumerate(items["id"])}
    true = np.array([column[item] for item in rows[sampler.item_id_field]])
    users, all_items = vectors(export, "user_tower", rows), vectors(export, "item_tower", items)
    params = getattr(config.model_config, config.model_config.WhichOneof("model"))
    cosine = enum_descriptor("Similarity").values_by_name["COSINE"].number
    if params.simi_func == cosine:
        users = users / np.linalg.norm(users, axis=1, keepdims=True)
        all_items = all_items / np.linalg.norm(all_items, axis=1, keepdims=True)
    counts = seen[sampler.item_id_field].value_counts()
    popular = items["id"].map(counts).fillna(0).to_numpy()[None]
    return {
        "model": ranks(users @ all_items.T, true),
        "popularity": ranks(popular, true),
        "items": np.array([len(items)]),
    }


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.full_ranking", description=__doc__)
    parser.add_argument("model_dir", type=Path, nargs="+")
    folders = parser.parse_args(argv).model_dir
    from easyrec_lite.runtime import load_tensorflow

    load_tensorflow()
    print("rows   items  " + "  ".join(f"recall@{k:<4}" for k in TOP) + "  who")
    for folder in folders:
        found = study(folder)
        count = int(found["items"][0])
        for who in ("model", "popularity"):
            shares = [np.mean(found[who] < k) for k in TOP]
            label = folder.name if who == "model" else who
            print(_line(len(found["model"]), count, shares, label), flush=True)
        print(_line(len(found["model"]), count, [k / count for k in TOP], "chance"), flush=True)
    return 0


def _line(rows: int, items: int, shares: list[float], who: str) -> str:
    return f"{rows:<6} {items:<6} " + "  ".join(f"{share:<11.4f}" for share in shares) + f"  {who}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
