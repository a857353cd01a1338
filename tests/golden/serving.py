"""What is served: the scorer in the process, and the exported SavedModels."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tensorflow as tf

from easyrec_lite.models.retrieval.task import retrieves
from easyrec_lite.serving.export import SIGNATURE, export_models
from tests.golden.case import Case
from tests.golden.pairs import Pair, section


def served(case: Case) -> Iterator[Pair]:
    """The scorer as a function of feature values."""
    case.reset()
    found = case.model.serve(case.batch.features)
    for name in section(case.arrays("predict"), "out/"):
        yield case.pair("predict", f"out/{name}", found[name])


def exported(case: Case) -> Iterator[Pair]:
    """The SavedModels as functions of the raw columns of rows.csv."""
    case.reset()
    stored = section(case.arrays("predict"), "out/")
    outputs = {"scorer": {name: name for name in stored}}
    for side in ("user", "item"):
        ours, other = f"{side}_tower_emb", f"float_{side}_emb"
        if retrieves(case.parts.model) and (ours in stored or other in stored):
            outputs[f"{side}_tower"] = {ours: ours if ours in stored else other}
    if "user_interests" in stored:
        outputs["user_tower"] = {"user_tower_emb": "user_interests", "user_emb_num": "user_emb_num"}
    with TemporaryDirectory() as folder:
        export = export_models(case.parts, Path(folder), step=0)
        for model, names in outputs.items():
            loaded = tf.saved_model.load(str(export / model))
            found = _call(loaded.signatures[SIGNATURE], case)
            for ours, name in names.items():
                value = found[ours]
                if (ours, name) == ("user_tower_emb", "user_interests"):
                    # Ours copies the first interest where EasyRec's has zeros.
                    counts = found["user_emb_num"]
                    value *= tf.sequence_mask(counts, value.shape[1], tf.float32)[:, :, None]
                pair = case.pair("predict", f"out/{name}", value)
                yield pair._replace(name=f"{model}/{name}")


def _call(signature: Any, case: Case) -> dict[str, tf.Tensor]:
    """Calls a signature with the columns that it asks for; an empty number is 0."""
    fields = [field.input_name for field in case.pipeline.config.data_config.input_fields]
    with (case.folder / "rows.csv").open(newline="", encoding="utf-8") as file:
        columns = dict(zip(fields, zip(*csv.reader(file), strict=True), strict=True))
    inputs = {}
    for name, spec in signature.structured_input_signature[1].items():
        text = spec.dtype == tf.string
        cells = [cell if text else float(cell or 0) for cell in columns[name]]
        inputs[name] = tf.cast(tf.constant(cells), spec.dtype)
    return signature(**inputs)
