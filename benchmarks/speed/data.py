"""The data of all sections: the built-in synthetic Taobao rows, and the same in other formats."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

SEED = 1


def make(folder: Path, rows: int) -> Path:
    """Makes the data with `rows` rows in `folder`, unless it is there; returns where it lies."""
    from easyrec_lite.core.files import atomic_folder
    from easyrec_lite.datasets import taobao_synthetic

    target = folder / f"taobao-synthetic-{rows}"
    if not target.exists():
        users, items = max(rows // 25, 400), max(rows // 50, 200)
        flags = argparse.Namespace(rows=rows, eval_rows=None, users=users, items=items, seed=SEED)
        with atomic_folder(target) as aside:
            taobao_synthetic.run(flags, aside)
    return target


def edits(data: str | Path, clicked: bool, sampled: bool) -> dict[str, Any]:
    """Returns the edits that point a config of configs/ to the data.

    Args:
      data: the folder that `make` returns.
      clicked: whether it reads the clicked rows alone.
      sampled: whether it has a negative sampler.
    """
    found = {
        "train_input_path": f"{data}/train{'_clicked' if clicked else ''}.csv",
        "eval_input_path": "",
        "train_config.save_checkpoints_steps": 0,
    }
    if sampled:
        found["data_config.negative_sampler.input_path"] = f"{data}/items.txt"
    return found


def text_rows(config: Any, source: str) -> Any:
    """Returns the rows of a CSV file as a pandas table of text, a column a field."""
    import pandas as pd

    names = [field.input_name for field in config.data_config.input_fields]
    return pd.read_csv(source, names=names, dtype=str, keep_default_na=False)


def parquet(pipeline: Any, source: str, target: Path) -> None:
    """Writes the rows of a CSV file to a Parquet file."""
    import pyarrow.parquet as pq

    pq.write_table(_table(pipeline, source), target)


def tfrecord(pipeline: Any, source: str, target: Path) -> None:
    """Writes the rows of a CSV file as `tf.train.Example`s."""
    import tensorflow as tf

    table = _table(pipeline, source)
    with tf.io.TFRecordWriter(str(target)) as writer:
        for row in table.to_pylist():
            writer.write(_example(row).SerializeToString())


def _example(row: dict[str, Any]) -> Any:
    import tensorflow as tf

    made = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
        if isinstance(value, str)
        else tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        for name, value in row.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=made))


def _table(pipeline: Any, source: str) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    from easyrec_lite.checks.columns import input_fields

    fields = input_fields(pipeline)
    types = {field.name: pa.string() if field.type == "STRING" else pa.int64() for field in fields}
    return csv.read_csv(
        source,
        csv.ReadOptions(column_names=[field.name for field in fields]),
        convert_options=csv.ConvertOptions(column_types=types, strings_can_be_null=False),
    )
