"""What is said about bad data configs."""

from __future__ import annotations

import pytest

from easyrec_lite.checks.specs.reader import reader_names
from tests.config.base_config import (
    LISTWISE,
    POINTWISE,
    assert_reported,
    problems,
    replaced,
    report_at,
)


def test_an_unknown_label_names_the_nearest_field() -> None:
    text = replaced(POINTWISE, 'label_fields: "clk"', 'label_fields: "click"')
    assert_reported(
        text,
        "label_fields",
        "my.config:14:3: error: data_config.label_fields[0]: unknown label field 'click'",
        "nearest:  clk",
        "remedy:   name a field of data_config.input_fields",
    )


def test_an_unknown_sample_weight_names_the_nearest_field() -> None:
    text = replaced(POINTWISE, "  batch_size: 8\n", "  batch_size: 8\n  sample_weight: 'prize'\n")
    assert_reported(text, "sample_weight", "unknown sample_weight field 'prize'", "nearest:  price")


def test_a_sample_weight_is_a_number() -> None:
    text = replaced(POINTWISE, "  batch_size: 8\n", "  batch_size: 8\n  sample_weight: 'city'\n")
    assert_reported(text, "sample_weight", "sample_weight 'city' is a STRING field")
    assert problems(text.replace("sample_weight: 'city'", "sample_weight: 'price'")) == []


@pytest.mark.parametrize("name", ["OdpsInput", "KafkaInput", "HiveInput", "RTPInput"])
def test_platform_inputs_are_refused_with_what_to_convert_to(name: str) -> None:
    text = replaced(POINTWISE, "input_type: CSVInput", f"input_type: {name}")
    assert_reported(text, f"input_type: {name}", f"{name} is not", "ParquetInput", "remedy")
    assert len(problems(text)) == 1


@pytest.mark.parametrize("name", reader_names(reads_files=True))
def test_served_inputs_pass(name: str) -> None:
    assert problems(replaced(POINTWISE, "input_type: CSVInput", f"input_type: {name}")) == []


def test_encodings() -> None:
    for name in ("GBK", "utf-8", "cp936", "UTF-16"):
        text = replaced(POINTWISE, "batch_size: 8", f'batch_size: 8 encoding: "{name}"')
        assert problems(text) == []
    text = replaced(POINTWISE, "batch_size: 8", 'batch_size: 8 encoding: "gbq"')
    assert_reported(text, "encoding:", "'gbq'", "nearest:  gbk", "shift_jis")
    text = replaced(POINTWISE, "batch_size: 8", 'batch_size: 8 encoding: "gbk"')
    parquet = replaced(text, "input_type: CSVInput", "input_type: ParquetInput")
    assert_reported(parquet, "encoding:", "ParquetInput", "remove encoding")


def test_only_dummy_input_needs_no_path() -> None:
    text = replaced(POINTWISE, 'train_input_path: "train.csv"\n', "")
    (found,) = problems(text)
    assert found.severity == "warning"
    assert "--train_input_path" in found.remedy
    assert problems(text.replace("CSVInput", "DummyInput")) == []


def test_a_field_listed_twice_points_to_the_first() -> None:
    field = '  input_fields { input_name: "cate" }\n'
    text = replaced(POINTWISE, field, field + field.replace(" }", ' default_val: "x" }'))
    assert_reported(text, 'default_val: "x"', "'cate' is listed twice", "my.config:22")


def test_a_range_of_fields_must_be_asked_for() -> None:
    text = replaced(POINTWISE, 'input_name: "city"', 'input_name: "f[1-3]"')
    text = replaced(text, 'input_names: "city"', 'input_names: "f2" feature_name: "city"')
    assert_reported(text, "f[1-3]", "auto_expand_input_fields: true", "f1 … f3")
    expanded = replaced(text, "  batch_size: 8\n", "  auto_expand_input_fields: true\n")
    assert problems(expanded) == []


def test_a_default_is_of_its_fields_type() -> None:
    text = replaced(POINTWISE, 'default_val: "3"', 'default_val: "three"')
    assert_reported(text, "three", "default_val of field 'age' is no INT32", "found:    'three'")


@pytest.mark.parametrize("field", ["batch_size", "eval_batch_size"])
def test_batches_hold_rows(field: str) -> None:
    text = replaced(POINTWISE, "  batch_size: 8\n", f"  {field}: 0\n")
    assert_reported(text, field, f"{field} is 0", "expected: a positive number")


@pytest.mark.parametrize("separator", ["", "ab", '"', "é", "\\n"])
def test_a_separator_is_one_byte(separator: str) -> None:
    text = replaced(POINTWISE, "  batch_size: 8\n", f"  separator: '{separator}'\n")
    assert_reported(text, "separator", "data_config.separator", "separator", "remedy")
    assert problems(text.replace("CSVInput", "ParquetInput")) == []


@pytest.mark.parametrize("separator", [";", "\\t", "\\001", "\\\\t"])
def test_a_separator_may_be_escaped(separator: str) -> None:
    text = replaced(POINTWISE, "  batch_size: 8\n", f"  separator: '{separator}'\n")
    assert problems(text) == []


def test_a_range_that_repeats_a_field_is_reported() -> None:
    field = '  input_fields { input_name: "cate" }\n'
    text = replaced(
        POINTWISE,
        field,
        field + '  input_fields { input_name: "f2" }\n' + field.replace("cate", "f[1-3]"),
    )
    text = replaced(text, "  batch_size: 8\n", "  auto_expand_input_fields: true\n")
    assert_reported(text, "f[1-3]", "'f2' is listed twice")


def test_a_small_shuffle_buffer_is_doubtful_only_when_asked_for() -> None:
    text = replaced(POINTWISE, "  batch_size: 8\n", "  batch_size: 8\n  shuffle_buffer_size: 32\n")
    report = report_at(text, "shuffle_buffer_size")
    assert report.startswith("my.config:14:3: warning: data_config.shuffle_buffer_size")
    assert "of 32 rows" in report
    assert problems(text.replace("size: 32", "size: 1024")) == []
    assert problems(text.replace("size: 32", "size: 32 shuffle: false")) == []


def test_pointwise_losses_need_a_label() -> None:
    text = replaced(POINTWISE, '  label_fields: "clk"\n', "")
    assert any("CLASSIFICATION needs a label" in found.message for found in problems(text))
    assert problems(replaced(LISTWISE, '  label_fields: "clk"\n', "")) == []


def test_the_models_label_is_one_of_the_labels() -> None:
    text = replaced(POINTWISE, "    simi_func: COSINE\n  }", "  }\n  label_name: 'buy'")
    assert_reported(text, "label_name", "unknown label in label_name: 'buy'", "one of clk")


def test_a_label_is_a_number() -> None:
    text = replaced(POINTWISE, 'label_fields: "clk"', 'label_fields: "cate"').replace(
        '"item_id", "cate"', '"item_id"'
    )
    assert_reported(text, "label_fields", "error", "label 'cate' is a STRING field")


def test_labels_of_several_numbers_are_refused() -> None:
    text = replaced(POINTWISE, "  batch_size: 8\n", "  batch_size: 8\n  label_dim: 4\n")
    assert_reported(text, "label_dim", "error: data_config.label_dim[0]: a label of 4 numbers")


def test_a_config_without_data_says_so() -> None:
    start, end = POINTWISE.index("data_config {"), POINTWISE.index("feature_config {")
    messages = [found.message for found in problems(POINTWISE[:start] + POINTWISE[end:])]
    assert "the config says nothing about the data" in messages


def test_a_config_without_columns_says_so() -> None:
    start, end = POINTWISE.index("  input_fields"), POINTWISE.index("}\nfeature_config {")
    text = POINTWISE[:start] + POINTWISE[end:]
    assert "data_config lists no input_fields" in [found.message for found in problems(text)]
