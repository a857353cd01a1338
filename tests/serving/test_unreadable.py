"""Cells that features cannot read, in SavedModels: they have defaults, and are counted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.checks.columns import InputField
from easyrec_lite.features.columns import number_pattern
from easyrec_lite.models.assembly import Parts, build
from easyrec_lite.serving.recommender import Recommender
from easyrec_lite.serving.saved_model import save_model
from easyrec_lite.serving.signatures import COUNTED, UNREADABLE, ServedFunction
from easyrec_lite.serving.text_cells import parsed_cells
from tests.serving.exported import pipeline

HISTORY = "feature_config.features[input_names[0]=history]"
CITY = "feature_config.features[input_names[0]=city]"
KINDS = {
    f"{HISTORY}.kv_separator": ":",
    CITY: {"input_names": ["city"], "feature_type": "RawFeature"},
}
USERS = {
    "user_id": [1, 2, 3, 4],
    "city": ["0.5", "Wien", "", "x"],
    "history": ["a:1|b:2", "a:1", "", "a"],
}
COUNTS = [0, 1, 0, 2]


def parts(folder: Path, **edits: object) -> Parts:
    default = {"data_config.input_fields[input_name=city].default_val": ""}
    return build(pipeline(folder, **KINDS, **default, **edits))


def loaded(folder: Path, module: Any, counted: Any) -> Any:
    signatures = {"serving_default": module.signature, COUNTED: counted}
    save_model(module, folder / "saved", signatures, {})
    return tf.saved_model.load(str(folder / "saved")).signatures


def test_a_tower_counts_them(tmp_path: Path) -> None:
    made = parts(tmp_path)
    served = ServedFunction(made, made.model.signatures()["user_tower"])
    signatures = loaded(tmp_path, served, served.counted)
    columns = {
        "user_id": tf.constant(USERS["user_id"], tf.int64),
        "city": tf.constant(USERS["city"]),
        "history": tf.constant(USERS["history"]),
    }
    found, plain = signatures[COUNTED](**columns), signatures["serving_default"](**columns)
    assert found[UNREADABLE].numpy().tolist() == COUNTS
    assert found[UNREADABLE].dtype == tf.int32
    assert set(found) == {*plain, UNREADABLE}
    for name, values in plain.items():
        np.testing.assert_array_equal(found[name], values)
    empty = columns | {"city": tf.constant([""]), "history": tf.constant([""])}
    one = {name: column[:1] for name, column in empty.items()} | {"user_id": columns["user_id"][3:]}
    np.testing.assert_allclose(
        signatures["serving_default"](**one)["user_tower_emb"][0], plain["user_tower_emb"][3], 1e-6
    )


def test_the_recommender_counts_them(tmp_path: Path) -> None:
    made = parts(tmp_path)
    user = ServedFunction(made, made.model.signatures()["user_tower"])
    ids = np.array(["i", "j"], object)
    recommender = Recommender(user, ids, np.eye(2, 4, dtype=np.float32))
    columns = {name: tf.constant(values) for name, values in USERS.items()}
    columns["user_id"] = tf.cast(columns["user_id"], tf.int64)
    more = {"seen_item_ids": tf.zeros([1, 0], tf.string), "k": tf.constant(2)}
    found = recommender.counted(**columns, **more)
    assert found[UNREADABLE].numpy().tolist() == COUNTS
    plain = recommender.signature(**columns, **more)
    np.testing.assert_array_equal(found["item_ids"], plain["item_ids"])


def test_a_line_counts_its_cells(tmp_path: Path) -> None:
    made = parts(tmp_path, **{"export_config.multi_placeholder": False})
    served = ServedFunction(made, made.model.signatures()["scorer"])
    lines = ["1,0.5,a:1,i,b,1", "x,Wien,a:1,i,b,1.5", ",,,,,", "1,0.5,a,i,b,99999999999"]
    found = served.counted(features=tf.constant(lines))
    assert found[UNREADABLE].numpy().tolist() == [0, 3, 0, 2]
    alone = served.signature(features=tf.constant(lines[:1]))
    np.testing.assert_allclose(found["logits"][:1], alone["logits"], rtol=1e-6)


@pytest.mark.parametrize("kind", ["INT32", "INT64", "FLOAT", "DOUBLE", "BOOL", "STRING"])
def test_text_cells_are_those_of_the_readers(kind: str) -> None:
    ends = [sign * (2**bits) + by for bits in (31, 63) for sign in (1, -1) for by in (-1, 0, 1)]
    texts = ["", "0", "7", "-7", "+7", " 7 ", "007", "-0", "1.5", ".5", "1e3", "1e39", "1e999", "x"]
    texts += ["true", "FALSE", "1", "nan", "inf", "0x1p3", "-", "+", "1 2", "é", "0" * 30 + "9"]
    texts += [str(end) for end in ends] + ["9" * 30, "-" + "9" * 18, "0009223372036854775807"]
    if not re.fullmatch(number_pattern(), "0x1p3"):  # TensorFlow 2.16 does not read it.
        texts.remove("0x1p3")
    default: Any = {"STRING": b"d", "BOOL": True}.get(kind, 3)
    field = InputField("f", kind, default)
    values, met = parsed_cells(field, tf.constant(texts))
    accepted = [field.accepts(text.encode()) for text in texts]
    assert met.numpy().tolist() == accepted
    expected = [
        field.parse(text.encode()) if good else default
        for text, good in zip(texts, accepted, strict=True)
    ]
    assert values.numpy().tolist() == tf.constant(expected, field.dtype).numpy().tolist()
