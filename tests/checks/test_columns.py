from __future__ import annotations

import doctest
import subprocess
import sys

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from easyrec_lite.checks import columns
from easyrec_lite.checks.columns import FIELD_TYPES, InputField, input_fields, select
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.data.readers.csv.format import CsvFormat
from tests.data.reading import pipeline

NUMBERS = st.one_of(
    st.text("0123456789+-.eExXpPnaif \t_", min_size=1, max_size=8),
    st.integers(-(2**65), 2**65).map(str),
    st.integers(2**31 - 2, 2**31 + 2).map(str),
    st.floats().map(repr),
    st.floats().map(float.hex),
)


def tensorflow_takes(text: str, dtype: tf.DType) -> bool:
    try:
        value = tf.io.decode_csv([text + "|"], [tf.constant(0, dtype), ""], field_delim="|")[0][0]
    except tf.errors.InvalidArgumentError:
        return False
    return not dtype.is_floating or bool(tf.math.is_finite(value))


@pytest.mark.parametrize("kind", ["INT32", "INT64", "FLOAT", "DOUBLE"])
@settings(max_examples=300, deadline=None)
@given(text=NUMBERS)
def test_a_number_is_good_when_tensorflow_takes_it(kind: str, text: str) -> None:
    field = InputField("f", kind, 0)
    good = field.accepts(text.encode())
    # One rule for all versions: newer ones read 0x1p-3 and +0, older ones a blank as 0.
    if "p" in text.lower() and not tensorflow_takes("0x1p3", tf.float32):
        return
    if "+" in text and not tensorflow_takes("+0", tf.int64):
        return
    portable = bool(text.strip())
    assert good == (tensorflow_takes(text, tf.as_dtype(field.dtype)) and portable)


@settings(max_examples=300, deadline=None)
@given(line=st.text('ab",; \x00é', min_size=1, max_size=10), count=st.integers(1, 4))
def test_a_line_is_cut_as_decode_csv_does(line: str, count: int) -> None:
    try:
        cells = CsvFormat().split(line.encode())
    except ValueError:
        cells = []
    try:
        decoded = tf.io.decode_csv([line.encode()], [""] * count)
        expected = [cell.numpy()[0] for cell in decoded]
    except tf.errors.InvalidArgumentError:
        assert len(cells) != count
    else:
        assert cells == expected


def test_fields_in_order_with_defaults_and_ranges() -> None:
    config = pipeline(
        "a:INT32=7 f[1-3]:FLOAT=0.5 s:STRING=é b:BOOL=TRUE d:DOUBLE",
        "auto_expand_input_fields: true",
    )
    fields = input_fields(config)
    assert [field.name for field in fields] == ["a", "f1", "f2", "f3", "s", "b", "d"]
    assert [field.default for field in fields] == [7, 0.5, 0.5, 0.5, "é".encode(), True, 0.0]
    assert fields[1].dtype == tf.float32


def test_a_range_is_a_plain_name_unless_expansion_is_asked_for() -> None:
    assert [field.name for field in input_fields(pipeline("f[1-3]:FLOAT"))] == ["f[1-3]"]


def test_selected_columns_keep_their_order_and_unknown_ones_name_the_nearest() -> None:
    fields = input_fields(pipeline("user_id item_id clk:INT32"))
    assert [field.name for field in select(fields, {"clk", "user_id"})] == ["user_id", "clk"]
    with pytest.raises(ConfigError, match=r"'userid' is not among(.|\n)*nearest: +user_id"):
        select(fields, ["userid"])


def test_every_type_of_the_schema_is_known() -> None:
    message = pipeline("a").config.data_config.input_fields[0]
    enum = message.DESCRIPTOR.fields_by_name["input_type"].enum_type
    assert set(FIELD_TYPES) == {value.name for value in enum.values}


def test_scanning_does_not_import_tensorflow() -> None:
    code = "import sys, easyrec_lite.data.readers.scan; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_examples_run() -> None:
    assert doctest.testmod(columns).failed == 0
