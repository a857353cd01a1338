from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyrec_lite.config import loads
from easyrec_lite.config.paths import Predicate, Step, parse_path
from easyrec_lite.core.errors import ConfigError, Place, Problem

TEXT = """
model_dir: "x"
train_config { num_steps: 5 optimizer_config { use_moving_average: false } }
data_config {
  input_type: CSVInput
  label_fields: ["clk", "buy"]
  input_fields { input_name: "a" input_dim: 1 }
  input_fields { input_name: "b" input_dim: 2 input_type: INT32 }
  input_fields { input_name: "c.d" input_dim: 3 }
}
feature_config {
  features { input_names: "user_id" embedding_dim: 8 }
  features { input_names: "tags" input_names: "weights" embedding_dim: 16 }
  features { feature_name: "made" embedding_dim: 32 }
}
model_config {
  model_class: "DSSM"
  dssm { temperature: 1
    user_tower { id: "u" dnn { hidden_units: [64, 32] } }
    item_tower { id: "i" dnn { hidden_units: [64, 32] } }
  }
}
"""


def edited(**edits: object) -> Any:
    return loads(TEXT, edits=edits).config


def edit(path: str, value: object) -> Any:
    return loads(TEXT, edits={path: value}).config


def refused(path: str, value: object = 1) -> Problem:
    with pytest.raises(ConfigError) as caught:
        edit(path, value)
    (problem,) = caught.value.problems
    assert problem.place == Place("--edit_config_json")
    assert path in problem.path or problem.path.startswith(path.split("[")[0])
    return problem


def dims(config: Any) -> list[int]:
    return [feature.embedding_dim for feature in config.feature_config.features]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("[0]", [1, 16, 32]),
        ("[-1]", [8, 16, 1]),
        ("[:]", [1, 1, 1]),
        ("[1:3]", [8, 1, 1]),
        ("[:-1]", [1, 1, 32]),
        ("[::2]", [1, 16, 1]),
        ("[input_names[0]=user_id]", [1, 16, 32]),
        ("[input_names[1]=weights]", [8, 1, 32]),
        ("[input_names=weights]", [8, 1, 32]),
        ("[input_names[-1] = 'weights']", [8, 1, 32]),
        ("[embedding_dim<16]", [1, 16, 32]),
        ("[embedding_dim<=16]", [1, 1, 32]),
        ("[embedding_dim>16]", [8, 16, 1]),
        ("[embedding_dim>=16]", [8, 1, 1]),
        ("[embedding_dim!=16]", [1, 16, 1]),
        ("[embedding_dim==16]", [8, 1, 32]),
        ('[feature_name="made"]', [8, 16, 1]),
    ],
)
def test_selectors(selector: str, expected: list[int]) -> None:
    assert dims(edit(f"feature_config.features{selector}.embedding_dim", 1)) == expected


def test_numbers_compare_as_numbers_and_enums_by_name() -> None:
    fields = edit(
        "data_config.input_fields[input_dim<10].default_val", "z"
    ).data_config.input_fields
    assert [field.default_val for field in fields] == ["z", "z", "z"]
    fields = edit("data_config.input_fields[input_type=INT32].default_val", 0).data_config
    assert [field.default_val for field in fields.input_fields] == ["", "0", ""]
    fields = edit("data_config.input_fields[input_name=c.d].input_dim", 9).data_config.input_fields
    assert [field.input_dim for field in fields] == [1, 2, 9]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("train_config.num_steps", "3", 3),
        ("train_config.num_steps", 3.0, 3),
        ("train_config.startup_delay_steps", "0.5", 0.5),
        ("train_config.startup_delay_steps", 2, 2.0),
        ("train_config.sync_replicas", "False", False),
        ("train_config.sync_replicas", False, False),
        ("train_config.protocol", 5, "5"),
        ("train_config.protocol", "true", "true"),
        ("train_config.train_distribute", "PSStrategy", 1),
        ("train_config.train_distribute", 2, 2),
        ("data_config.label_fields", ["z"], ["z"]),
        ("data_config.label_fields", [], []),
        ("data_config.label_fields", "z", ["z"]),
        ("data_config.label_fields", None, []),
        ("data_config.label_fields[0]", "z", ["z", "buy"]),
        ("data_config.label_fields[-1]", "z", ["clk", "z"]),
        ("data_config.label_fields[2]", "z", ["clk", "buy", "z"]),
        ("data_config.label_fields[:]", "z", ["z", "z"]),
        ("model_config.dssm.user_tower.dnn.hidden_units[1]", "16", [64, 16]),
        ("train_config.num_steps", None, 0),
    ],
)
def test_values(path: str, value: object, expected: object) -> None:
    found = edit(path, value)
    for step in parse_path(path):
        found = getattr(found, step.name)
    assert (list(found) if isinstance(expected, list) else found) == expected


def test_a_dict_is_the_same_as_its_dotted_paths() -> None:
    nested = edit("model_config", {"dssm": {"temperature": 0.5, "user_tower": {"id": "v"}}})
    dotted = loads(
        TEXT, edits={"model_config.dssm.temperature": 0.5, "model_config.dssm.user_tower.id": "v"}
    )
    assert nested == dotted.config
    assert nested.model_config.dssm.user_tower.dnn.hidden_units == [64, 32]


def test_a_list_in_a_dict_replaces_the_whole_list() -> None:
    config = edit("data_config", {"label_fields": ["z"], "input_fields": [{"input_name": "q"}]})
    assert config.data_config.label_fields == ["z"]
    assert [field.input_name for field in config.data_config.input_fields] == ["q"]
    assert config.data_config.input_type == 10


def test_the_index_past_the_end_appends() -> None:
    config = edit("data_config.input_fields[3]", {"input_name": "d"})
    assert [field.input_name for field in config.data_config.input_fields] == ["a", "b", "c.d", "d"]
    assert (
        edit("eval_config.metrics_set[0].auc.num_thresholds", 9)
        .eval_config.metrics_set[0]
        .auc.num_thresholds
        == 9
    )


def test_edits_apply_in_order_and_leave_the_rest() -> None:
    plain = loads(TEXT).config
    path = "feature_config.features"
    config = edited(**{f"{path}[:].embedding_dim": 1, f"{path}[1].embedding_dim": "2"})
    assert dims(config) == [1, 2, 1]
    for feature, dim in zip(config.feature_config.features, [8, 16, 32], strict=True):
        feature.embedding_dim = dim
    assert config == plain


def test_keys_of_a_struct() -> None:
    block = {"name": "b", "keras_layer": {"class_name": "x", "st_params": {"a": 1}}}
    path = "model_config.backbone.blocks[0]"
    layer = f"{path}.keras_layer.st_params"
    config = edited(**{path: block, f"{layer}.units": [1, 2], f"{layer}.deep.er": "s"})
    params = config.model_config.backbone.blocks[0].keras_layer.st_params
    assert dict(params["deep"]) == {"er": "s"}
    assert list(params["units"]) == [1, 2]
    assert params["a"] == 1


def test_places_of_edited_fields() -> None:
    edits = {"train_config.num_steps": 7, "data_config.label_fields": ["z"], "export_config": {}}
    pipeline = loads(TEXT, "x.config", edits)
    edit_place = Place("--edit_config_json")
    assert pipeline.place("train_config.num_steps") == edit_place
    assert pipeline.place("data_config.label_fields[1]") == edit_place
    assert pipeline.place("export_config.exporter_type") == edit_place
    assert pipeline.place("train_config.seed") == Place("x.config", 3, 1)
    assert pipeline.place("data_config.input_fields[1].input_dim") == Place("x.config", 8, 34)


def test_a_displaced_member_of_a_oneof_is_told() -> None:
    tower = {"id": "u", "dnn": {"hidden_units": [4]}}
    edits = {"model_config.dat": {"user_tower": tower, "item_tower": tower}}
    (warning,) = loads(TEXT, edits=edits).warnings
    assert warning.message.startswith("`dat` replaces `dssm` of line 18")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("train_config.num_step", "`num_step`"),
        ("train_confg.num_steps", "`train_confg`"),
        ("feature_config.features[7].embedding_dim", "[7]"),
        ("feature_config.features[-4].embedding_dim", "[-4]"),
        ("feature_config.features[5:7].embedding_dim", "no element"),
        ("feature_config.features[input_names[0]=usr_id].embedding_dim", "no element"),
        (
            "feature_config.features[embedding_dim=x].embedding_dim",
            "cannot be compared with 'x'",
        ),
        ("feature_config.features[name=x].embedding_dim", "`name`"),
        ("feature_config.features[initializer=x].embedding_dim", "`initializer`"),
        ("feature_config.features.embedding_dim", "elements of `features`"),
        ("feature_config.features[0][0].embedding_dim", "elements of `features`"),
        ("data_config.label_fields[a=1]", "no fields"),
        ("train_config[0].num_steps", "`train_config` is not a list"),
        ("train_config.num_steps.x", "`num_steps` has no field `x`"),
        ("", "at character 1"),
        ("train_config.", "at character 14"),
        ("train_config num_steps", "at character 13"),
        ("feature_config.features[0", "at character 24"),
        ("feature_config.features[x]", "at character 25"),
        ("feature_config.features[::0]", "at character 25"),
        ("feature_config.features['a=1].x", "at character 24"),
    ],
)
def test_paths_that_lead_nowhere(path: str, says: str) -> None:
    assert says in refused(path).message


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("train_config.num_steps", "many", "uint32"),
        ("train_config.num_steps", -1, "uint32"),
        ("train_config.num_steps", 0.5, "uint32"),
        ("train_config.num_steps", [1], "uint32"),
        ("train_config.num_steps", True, "uint32"),
        ("train_config", 3, "a TrainConfig"),
        ("data_config.input_fields", {"input_name": "a"}, "a list of a Field"),
        ("data_config.label_fields[0]", None, "a string"),
        ("feature_config.features[:].embedding_dim", "x", "uint32"),
        ("train_config.sync_replicas", "maybe", "true or false"),
    ],
)
def test_values_that_do_not_fit(path: str, value: object, expected: str) -> None:
    assert refused(path, value).expected.startswith(expected)


def test_a_refusal_helps() -> None:
    assert refused("train_config.num_step").nearest == "num_steps"
    missing = refused("feature_config.features[input_names[0]=usr_id].embedding_dim")
    assert (missing.expected, missing.nearest) == ("user_id, tags", "user_id")
    assert refused("feature_config.features[9]").expected == "0 … 2, or 3 to append"
    assert refused("train_config.train_distribute", "psstrategy").nearest == "PSStrategy"


def test_all_refusals_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        edited(**{"train_config.x": 1, "model_dir": [1], "train_config.num_steps": "y"})
    assert len(caught.value.problems) == 3


def test_what_the_edit_clears_may_be_required() -> None:
    with pytest.raises(ConfigError, match="EasyRecConfig needs `model_dir`"):
        edit("model_dir", None)


NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,4}", fullmatch=True)
BOUNDS = st.none() | st.integers(-9, 9)
RANGES = st.integers(-9, 9) | st.builds(slice, BOUNDS, BOUNDS, st.none() | st.integers(1, 3))


def steps_with(selectors: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[Step, ...]]:
    step = st.builds(Step, NAMES, st.lists(selectors, max_size=2).map(tuple))
    return st.lists(step, min_size=1, max_size=3).map(tuple)


PREDICATES = st.builds(
    Predicate,
    steps_with(RANGES),
    st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
    st.text("ab]['.= <", max_size=4),
)


def printed(steps: tuple[Step, ...]) -> str:
    return ".".join(step.name + "".join(map(bracket, step.selectors)) for step in steps)


def bracket(selector: object) -> str:
    if isinstance(selector, Predicate):
        return f'[{printed(selector.path)}{selector.operator}"{selector.operand}"]'
    if isinstance(selector, slice):
        parts = [selector.start, selector.stop, selector.step]
        return f"[{':'.join('' if part is None else str(part) for part in parts)}]"
    return f"[{selector}]"


@given(steps_with(RANGES | PREDICATES))
def test_a_printed_path_reads_back(steps: tuple[Step, ...]) -> None:
    assert parse_path(printed(steps)) == steps
