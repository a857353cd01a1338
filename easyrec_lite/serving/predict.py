"""Prediction: applies an exported SavedModel to the rows of files, in batches."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import track

from easyrec_lite.checks.columns import input_fields
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.core.files import atomic_file
from easyrec_lite.core.overwriting import refuse_overwriting
from easyrec_lite.features.transform import FeatureTransform
from easyrec_lite.serving.folders import checked_saved_model
from easyrec_lite.serving.input_columns import chosen, open_columns
from easyrec_lite.serving.saved_model import SavedModel
from easyrec_lite.serving.writers import PARQUET, TextDialect, arrow_table, open_writer


@dataclass(frozen=True)
class Prediction:
    """The input, output and model of a prediction.

    Attributes:
      input_path: files, as in `train_input_path`.
      output_path: `.parquet` is written as Parquet, anything else as delimited text.
      saved_model: an exported SavedModel, an export, or a model folder.
      model: which of the export's models, such as `scorer`, `user_tower` or `item_tower`.
      reserved: input columns to copy to the output; `ALL_COLUMNS` stands for all that are there.
      outputs: the model's outputs to write; empty for all.
      separator: between columns of delimited text, one character.
      batch_size: the number of rows of a batch.
      fill_missing: whether a column that the model reads and the input lacks has its default.
      guard_formulas: as `TextDialect.guard`.
    """

    input_path: str
    output_path: str
    saved_model: str
    model: str = "scorer"
    reserved: Sequence[str] = ()
    outputs: Sequence[str] = ()
    separator: str = ","
    batch_size: int = 4096
    fill_missing: bool = False
    guard_formulas: bool = False


def predict_file(pipeline: Pipeline, prediction: Prediction) -> int:
    """Writes the predictions of all rows, and returns the number of rows.

    The output is written to a temporary file, which is renamed at the end.

    Raises:
      ConfigError: no such SavedModel, column or output; or the output is one of the input files.
      DataError: the input cannot be read, or the SavedModel is damaged.
      RunError: the output cannot be written.
    """
    model = SavedModel(checked_saved_model(Path(prediction.saved_model), prediction.model))
    inputs = list(model.inputs)
    outputs = chosen(prediction.outputs, model.outputs, "output")
    known = [field.name for field in input_fields(pipeline)]
    columns = open_columns(
        pipeline,
        prediction.input_path,
        _raw_inputs(inputs, known),
        prediction.reserved,
        prediction.fill_missing,
        FeatureTransform(pipeline).expectations,
    )
    count, target = 0, Path(prediction.output_path)
    refuse_overwriting(target, columns.reader.files, "--output_path")
    dialect = TextDialect(prediction.separator, prediction.guard_formulas)
    with atomic_file(target) as aside, open_writer(aside, target, dialect) as writer:
        for raw in _shown(columns.batches(prediction.batch_size)):
            predicted = model(**columns.inputs(raw, model.inputs))
            kept = columns.copied(raw, as_text=target.suffix != PARQUET)
            table = arrow_table({**kept, **{name: predicted[name] for name in outputs}})
            writer.write(table)
            count += table.num_rows
    return count


def _raw_inputs(inputs: Sequence[str], known: Sequence[str]) -> list[str]:
    unknown = [name for name in inputs if name not in known]
    if unknown:
        raise ConfigError(
            Problem(
                f"the SavedModel takes {unknown}, which the config's input_fields do not have",
                expected="an export with one input a column, made with this config",
                remedy="export again with export_config.multi_placeholder: true",
            )
        )
    return list(inputs)


def _shown(batches: Iterator[Any]) -> Iterator[Any]:
    """Returns the batches; on a terminal, with a progress bar."""
    return iter(track(batches, description="predicting")) if sys.stderr.isatty() else batches
