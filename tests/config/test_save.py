from __future__ import annotations

import difflib
from pathlib import Path

import pytest
from google.protobuf import json_format, text_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from easyrec_lite.config import ConfigSource, Pipeline, load, loads, save
from easyrec_lite.config.save import as_text
from easyrec_lite.core.errors import RunError
from easyrec_lite.protos import message_class
from tests.checks.messages import messages
from tests.golden import CASES

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
TEXT = """# head
model_dir: "x"  # where
train_config { num_steps: 5 optimizer_config { adam_optimizer {} } }  # one line
data_config {
  # fields
  input_type: CSVInput
  label_fields: "a", label_fields: "b"
  input_fields { input_name: "a" }  # first
  input_fields {
    input_name: "b"  # second
  }
  # tail
}
model_config {
  model_class: "DSSM"
  dssm {
    user_tower { id: "u" dnn { hidden_units: [64, 32] } }  # user
    item_tower { id: "i" dnn { hidden_units: [64, 32] } }  # item
  }
}
# end"""


def changed(text: str, **edits: object) -> list[str]:
    """Returns the lines that saving takes away (-) and adds (+), after reading them back."""
    pipeline = loads(text, edits=edits)
    saved = as_text(pipeline)
    assert loads(saved).config == pipeline.config
    assert text_format.Merge(saved, message_class("EasyRecConfig")()) == pipeline.config
    lines = difflib.unified_diff(text.splitlines(), saved.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[:2] not in ("--", "++", "@@")]


def test_nothing_edited_nothing_changed() -> None:
    assert as_text(loads(TEXT)) == TEXT


def test_a_scalar_is_rewritten_in_its_place() -> None:
    assert changed(TEXT, model_dir="中\n") == [
        '-model_dir: "x"  # where',
        '+model_dir: "中\\n"  # where',
    ]


def test_a_list_in_brackets_stays_one() -> None:
    assert changed(TEXT, **{"model_config.dssm.user_tower.dnn.hidden_units[0]": 8}) == [
        '-    user_tower { id: "u" dnn { hidden_units: [64, 32] } }  # user',
        '+    user_tower { id: "u" dnn { hidden_units: [8, 32] } }  # user',
    ]


def test_new_fields_and_elements_take_no_line_away() -> None:
    edits = {"data_config.batch_size": 3, "data_config.input_fields[2].input_name": "c"}
    added = {"+  batch_size: 3", "+  input_fields {", '+    input_name: "c"', "+  }"}
    assert set(changed(TEXT, **edits)) == added
    assert changed(TEXT, **{"export_config.exporter_type": "none"}) == [
        "+export_config {",
        '+  exporter_type: "none"',
        "+}",
    ]


def test_a_message_of_one_line_keeps_its_comment() -> None:
    lines = changed(TEXT, **{"train_config.num_steps": 7, "train_config.seed": 2})
    assert lines[0].startswith("-train_config")
    added = " ".join(line.removeprefix("+").strip() for line in lines[1:])
    assert added == (
        "train_config { num_steps: 7 optimizer_config { adam_optimizer {} } seed: 2 }  # one line"
    )


def test_what_is_cleared_goes_and_comments_stay() -> None:
    edits = {"data_config.input_fields": [{"input_name": "b"}], "data_config.label_fields": []}
    saved = as_text(loads(TEXT, edits=edits))
    assert loads(saved).config.data_config.label_fields == []
    assert 'input_fields { input_name: "b" }  # first' in saved
    assert "second" not in saved
    assert all(comment in saved for comment in ("# head", "# fields", "# tail", "# end"))


def test_another_member_of_a_oneof_takes_the_place() -> None:
    tower = {"id": "u", "dnn": {"hidden_units": [4]}}
    pipeline = loads(TEXT, edits={"model_config.dat": {"user_tower": tower, "item_tower": tower}})
    saved = loads(as_text(pipeline))
    assert saved.config == pipeline.config
    assert saved.warnings == ()


def test_a_scalar_given_twice_is_left_once() -> None:
    text = TEXT + '\nmodel_dir: "y"\n'
    pipeline = loads(text, edits={"model_dir": "z"})
    assert pipeline.warnings
    assert loads(as_text(pipeline)).warnings == ()


def test_a_config_from_json_becomes_text(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json_format.MessageToJson(loads(TEXT).config))
    pipeline = load(path, {"model_dir": "z"})
    save(pipeline, tmp_path / "new" / "pipeline.config")
    assert load(tmp_path / "new" / "pipeline.config").config == pipeline.config


@pytest.mark.parametrize("case", ["dssm_neg", "dssm_senet_backbone", "dat"])
def test_golden_configs_with_edits(case: str, tmp_path: Path) -> None:
    path = CASES / case / "pipeline.config"
    edits = {
        "feature_config.features[:].embedding_dim": 4,
        "train_config.optimizer_config[1]": {"adagrad_optimizer": {}},
        "data_config.input_fields[-1].default_val": "0",
    }
    pipeline = load(path, edits)
    save(pipeline, tmp_path / "pipeline.config")
    assert load(tmp_path / "pipeline.config").config == pipeline.config


@QUICK
@given(messages(depth=4), messages(depth=4), st.booleans(), st.booleans())
def test_any_config_saves_over_any_source(
    old: object, new: object, one_line: bool, pointy: bool
) -> None:
    text = text_format.MessageToString(
        old,
        as_utf8=True,
        as_one_line=one_line,
        pointy_brackets=pointy,
        use_short_repeated_primitives=pointy,
    )
    saved = as_text(Pipeline(new, ConfigSource("x.config", text)))
    assert loads(saved).config == new


@QUICK
@given(messages(depth=4), messages(depth=4))
def test_merged_configs_save_over_one_of_them(old: object, new: object) -> None:
    merged = message_class("EasyRecConfig")()
    merged.CopyFrom(old)
    merged.MergeFrom(new)
    text = text_format.MessageToString(old, as_utf8=True)
    assert loads(as_text(Pipeline(merged, ConfigSource("x.config", text)))).config == merged


def test_saving_fails_whole(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    (target / "inside").mkdir(parents=True)
    with pytest.raises(RunError, match="folder: error: it cannot be written"):
        save(loads(TEXT), target)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
