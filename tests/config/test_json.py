from __future__ import annotations

import json

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from easyrec_lite.config.load import bind
from easyrec_lite.core.errors import Problem
from easyrec_lite.protos import message_class
from tests.checks.messages import messages
from tests.golden import CASES

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def read(text: str) -> tuple[object, list[Problem]]:
    config, _, problems = bind(text, "x.json")
    return config, problems


def oracle(text: str) -> object:
    return json_format.Parse(text, message_class("EasyRecConfig")())


@QUICK
@given(messages(), st.booleans(), st.sampled_from([None, 2]))
def test_reads_whatever_protobuf_prints(message: object, keep_names: bool, indent: int) -> None:
    text = json_format.MessageToJson(message, preserving_proto_field_name=keep_names, indent=indent)
    config, problems = read(text)
    assert problems == []
    assert config == message


@pytest.mark.parametrize("case", ["dssm_neg", "parallel_dssm"])
def test_the_json_form_of_a_text_config_is_the_same_config(case: str) -> None:
    text = (CASES / case / "pipeline.config").read_text()
    config, _, _ = bind(text, "x.config")
    assert read(json_format.MessageToJson(config))[0] == config


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"trainConfig": {"num_steps": "5", "numGpusPerWorker": -1.0, "seed": 1e3}}',
        '{"train_config": {"train_distribute": "PSStrategy", "sync_replicas": false}}',
        '{"train_config": {"train_distribute": 1, "startup_delay_steps": "Infinity"}}',
        '{"model_dir": "\\u4e2d\\n中", "train_config": null, "data_config": {"label_fields": []}}',
        '{"model_config": {"backbone": {"blocks": [{"name": "b", "keras_layer": {"class_name": '
        '"x", "st_params": {"a": [1, [true, null], {"b": "2"}], "c": -0.5}}}]}}}',
    ],
)
def test_forms(text: str) -> None:
    config, problems = read(text)
    assert problems == []
    assert config == oracle(text)


def test_all_problems_are_told_with_places() -> None:
    text = """{
  "model_dr": "x",
  "train_config": {"num_steps": "many", "sync_replicas": 3},
  "data_config": {"input_fields": {"input_name": "a"}, "label_fields": [1]}
}"""
    _, problems = read(text)
    assert [(p.path, p.place.line, p.place.column) for p in problems] == [
        ("model_dr", 2, 3),
        ("train_config.num_steps", 3, 33),
        ("train_config.sync_replicas", 3, 58),
        ("data_config.input_fields", 4, 35),
        ("data_config.label_fields[0]", 4, 73),
    ]
    assert problems[0].nearest == "model_dir"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("", 1, 1),
        ("[]", 1, 1),
        ('{"model_dir": "x"', 1, 18),
        ('{"model_dir": "x",\n}', 2, 1),
        ('{"model_dir" "x"}', 1, 14),
        ("{model_dir: 1}", 1, 2),
        ('{"model_dir": "x"} {}', 1, 20),
        ('{"model_dir": "\\q"}', 1, 15),
        ('{"train_config": {"num_steps": 1.}}', 1, 32),
        ('{"train_config": {"num_steps": nope}}', 1, 32),
        ('{"a":' * 200, 1, 506),
    ],
)
def test_broken_json_names_the_place(text: str, line: int, column: int) -> None:
    config, (problem,) = read(text)
    assert config is None
    assert (problem.place.line, problem.place.column) == (line, column)
    if len(text) < 100 and text != "[]":
        with pytest.raises((json.JSONDecodeError, json_format.ParseError)):
            oracle(text)


def test_a_lone_surrogate_is_refused() -> None:
    _, (problem,) = read('{"model_dir": "\\ud800"}')
    assert "Unicode" in problem.expected


def test_positions() -> None:
    text = '{"dataConfig":\n {"label_fields": ["a",\n"b"]}}'
    positions = bind(text, "x.json")[1].positions
    lines = {path: (place.line, place.column) for path, place in positions.items()}
    assert lines == {
        "data_config": (1, 2),
        "data_config.label_fields": (2, 3),
        "data_config.label_fields[0]": (2, 20),
        "data_config.label_fields[1]": (3, 1),
    }
