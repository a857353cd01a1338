from __future__ import annotations

import math
import re

import pytest
from google.protobuf import text_format
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from easyrec_lite.config.load import bind
from easyrec_lite.core.errors import Place, Problem
from easyrec_lite.protos import message_class
from tests.checks.messages import messages
from tests.golden import CASES

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def read(text: str) -> tuple[object, list[Problem]]:
    config, _, problems = bind(text, "x.config")
    return config, problems


def value_of(text: str) -> object:
    config, problems = read(text)
    assert problems == []
    return config


def oracle(text: str) -> object:
    return text_format.Merge(text, message_class("EasyRecConfig")())


def told(text: str) -> list[tuple[str, int, int, str]]:
    """Returns (message, line, column, path) of each problem."""
    _, problems = read(text)
    return [(p.message, p.place.line, p.place.column, p.path) for p in problems]


@pytest.mark.parametrize(
    "case", ["dssm_senet", "dssm_neg", "dssm_senet_backbone", "parallel_dssm", "dat"]
)
def test_golden_configs_read_as_protobuf_reads_them(case: str) -> None:
    text = (CASES / case / "pipeline.config").read_text()
    assert value_of(text) == oracle(text)


@QUICK
@given(messages(), st.booleans(), st.booleans(), st.booleans())
def test_reads_whatever_protobuf_prints(
    message: object, one_line: bool, pointy: bool, utf8: bool
) -> None:
    text = text_format.MessageToString(
        message,
        as_one_line=one_line,
        pointy_brackets=pointy,
        as_utf8=utf8,
        use_short_repeated_primitives=pointy,
    )
    assert value_of(text) == message


@QUICK
@given(messages(), st.floats(0, 1), st.sampled_from(["", *'}{"\\:[]é']))
@pytest.mark.filterwarnings("ignore:invalid escape:DeprecationWarning")
def test_what_is_left_of_a_config_is_read_alike_or_refused(
    message: object, where: float, damage: str
) -> None:
    text = text_format.MessageToString(message, as_utf8=True)
    cut = int(where * len(text))
    damaged = text[:cut] + damage + text[cut + 1 :]
    assume(not re.search(r"\\[^\x00-\x7f]", damaged))  # which protobuf garbles
    config, problems = read(damaged)
    try:
        assert config == oracle(damaged)
    except (text_format.ParseError, UnicodeDecodeError):
        assert problems, "protobuf refuses it, and we say nothing"
    assert all(1 <= p.place.line <= damaged.count("\n") + 1 for p in problems)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        "model_dir: 'single'",
        'model_dir: "a" \'b\'\n  "c"  # one string',
        r'model_dir: "\a\b\f\n\r\t\v\\\'\" \1\01\001 \x41\x7"',
        r'model_dir: "\344\270\255"',
        'model_dir: "中文 é"',
        'model_dir: "#{}<>;,"',
        "train_config < num_steps: 5 >",
        "train_config: { num_steps: 5; num_gpus_per_worker: -1, }",
        "train_config { num_steps: 0x1F num_gpus_per_worker: -0x10 }",
        "train_config { num_steps: 017 num_gpus_per_worker: -5 }",
        "train_config { startup_delay_steps: 1e-5 gradient_clipping_by_norm: 1.f }",
        "train_config { startup_delay_steps: .5 gradient_clipping_by_norm: -inf }",
        "train_config { startup_delay_steps: 3f gradient_clipping_by_norm: Infinity }",
        "train_config { sync_replicas: t write_graph: 0 tensor_fuse: False is_profiling: 1 }",
        "data_config { input_type: 10 input_fields { input_type: FLOAT } label_fields: ['a'] }",
        "data_config { label_fields: [] label_dim: [1, 2] label_dim: 3 }",
        "data_config { input_fields: [{input_name: 'a'}, <input_name: 'b'>] }",
        "data_config { input_fields [{input_name: 'a'}] }",
        "train_config { num_steps: 1 } train_config { seed: 2 }",
        "data_config { negative_sampler { num_sample: 3 } negative_sampler { input_path: 'a' } }",
        "eval_config { metrics_set { auc {} } }",
        "\ttrain_config{num_steps:5}model_dir:'x'",
        "train_config {\r\n  num_steps: 5\r\n}\r\n",
        "model_config { backbone { blocks { name: 'b' keras_layer { class_name: 'x' st_params {"
        " fields { key: 'units' value { list_value { values { number_value: 4 } } } }"
        " fields { key: 'é' value { string_value: 's' } } } } } } }",
    ],
)
def test_syntax(text: str) -> None:
    assert value_of(text) == oracle(text)


def test_what_older_protobuf_does_not_read() -> None:
    config = value_of(r"model_dir: '\u4e2d\U0001f600' train_config { startup_delay_steps: 3F }")
    assert config.model_dir == "中😀"  # type: ignore[attr-defined]
    assert config.train_config.startup_delay_steps == 3  # type: ignore[attr-defined]


def test_nan_and_int_limits() -> None:
    config = value_of("train_config { startup_delay_steps: nan seed: 18446744073709551615 }")
    assert math.isnan(config.train_config.startup_delay_steps)  # type: ignore[attr-defined]
    assert config.train_config.seed == 2**64 - 1  # type: ignore[attr-defined]


def test_all_mistakes_are_told_each_at_its_place() -> None:
    text = """train_config {
  num_stps: 5
  num_steps: "5"
  seed: -1
  sync_replicas: maybe
  train_distribute: MirorredStrategy
  protocol: grpc
  startup_delay_steps: 1e39
  optimizer_config: 3
  num_gpus_per_worker { }
  dead_line 'x'
}
"""
    assert told(text) == [
        ("missing `:` after `dead_line`", 11, 3, ""),
        ("TrainConfig has no field `num_stps`", 2, 3, "train_config.num_stps"),
        ('`num_steps` cannot be "5"', 3, 14, "train_config.num_steps"),
        ("`seed` cannot be -1", 4, 9, "train_config.seed"),
        ("`sync_replicas` cannot be maybe", 5, 18, "train_config.sync_replicas"),
        ("`train_distribute` cannot be MirorredStrategy", 6, 21, "train_config.train_distribute"),
        ("`protocol` cannot be grpc", 7, 13, "train_config.protocol"),
        ("`startup_delay_steps` cannot be 1e39", 8, 24, "train_config.startup_delay_steps"),
        ("`optimizer_config` cannot be 3", 9, 21, "train_config.optimizer_config[0]"),
        (
            "`num_gpus_per_worker` cannot be a block { … }",
            10,
            23,
            "train_config.num_gpus_per_worker",
        ),
    ]


def test_what_was_expected_and_what_is_nearest() -> None:
    _, (field, enum, quoted, bare) = read(
        "train_config { num_stps: 5 train_distribute: mirroredstrategy seed: '1' protocol: grpc }"
    )
    assert field.nearest == "num_steps"
    assert "num_steps" in field.expected
    assert enum.nearest == "MirroredStrategy"
    assert "PSStrategy" in enum.expected
    assert quoted.expected == "uint64, a whole number from 0 to 18446744073709551615"
    assert quoted.remedy == "write it without quotes: 1"
    assert bare.remedy == 'write it in quotes: "grpc"'


@pytest.mark.parametrize("number", ["1e3", "5.0", "4294967296", "1_000", "0x", "08", "٣"])
def test_not_a_uint32(number: str) -> None:
    assert "uint32" in read(f"train_config {{ num_steps: {number} }}")[1][0].expected


@pytest.mark.parametrize("number", ["1e", "1.2.3", "--1", "1_0", "0x10", "nanny", "1ff"])
def test_not_a_float(number: str) -> None:
    assert read(f"train_config {{ startup_delay_steps: {number} }}")[1]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('model_dir: "x\ntrain_config { num_steps: 5 }', 1, "string"),
        ("train_config {\n  protocol: 'x }\n\n", 2, "string"),
        ("model_dir:\ntrain_config { num_steps: 5 }", 1, "`model_dir`"),
        ("model_dir:", 1, "`model_dir`"),
        ("model_dir\ntrain_config { num_steps: 5 }", 1, "`model_dir`"),
        ("train_config { num_steps: 5 }\n}", 2, "`}`"),
        ("\ntrain_config {\n  num_steps: 5\n", 2, "`train_config`"),
        ("train_config { num_steps: 5 >", 1, "`>`"),
        ("@\ntrain_config { num_steps: 5 }", 1, "@"),
        ("data_config { label_fields: ['a',\n batch_size: 3 }", 1, "`[` of `label_fields`"),
        (r"model_dir: '\377'", 1, "UTF-8"),
        (r"model_dir: '\xg'", 1, r"\x"),
        (r"model_dir: '\u12'", 1, r"\u"),
    ],
)
def test_broken_syntax(text: str, line: int, says: str) -> None:
    _, problems = read(text)
    assert problems[0].place.line == line
    assert says in problems[0].message
    with pytest.raises((text_format.ParseError, UnicodeDecodeError)):
        oracle(text)


@pytest.mark.parametrize("text", [r"model_dir: 'C:\qux'", r"model_dir: 'a\.b\?'"])
@pytest.mark.filterwarnings("ignore:invalid escape:DeprecationWarning")
def test_an_unknown_escape_is_both_characters_and_a_warning(text: str) -> None:
    config, problems = read(text)
    assert config == oracle(text)
    assert {problem.severity for problem in problems} == {"warning"}


def test_a_minus_may_stand_apart_as_the_specification_has_it() -> None:
    assert value_of("train_config { num_gpus_per_worker: - 5 }") == oracle(
        "train_config { num_gpus_per_worker: -5 }"
    )


@pytest.mark.parametrize("escape", [r"\777", r"\U00110000"])
def test_escapes_out_of_range(escape: str) -> None:
    assert read(f"model_dir: '{escape}'")[1][0].message.startswith("broken escape")


def test_reading_goes_on_after_a_mistake() -> None:
    config, problems = read('model_dir: "x\ntrain_config { num_steps: 5 }')
    assert len(problems) == 1
    assert config.train_config.num_steps == 5  # type: ignore[attr-defined]


BALANCED = """feature_config {
  features {
    input_names: "a"
  }
  features {
    input_names: "b"
  }
}
model_dir: "x"
"""


@pytest.mark.parametrize("line", [4, 7, 8])
def test_a_missing_brace_is_told_at_the_block_that_lacks_it(line: int) -> None:
    lines = BALANCED.splitlines(keepends=True)
    del lines[line - 1]
    config, _, problems = bind("".join(lines), "x.config")
    assert config is None
    assert [p.place.line for p in problems] == [{4: 2, 7: 5, 8: 1}[line]]


def test_a_surplus_brace_is_told_with_its_line_and_no_followers() -> None:
    lines = BALANCED.splitlines(keepends=True)
    lines.insert(4, "  }\n")
    (problem,) = read("".join(lines))[1]
    assert problem.place.line == 1
    assert "line 5 closes `feature_config`" in problem.message


def test_mistakes_before_a_missing_brace_are_told_too() -> None:
    text = "model_dr: 'x'\n" + BALANCED.replace("  }\n  features", "  features", 1)
    assert [line for _, line, _, _ in told(text)] == [3, 1]


def test_blocks_nested_beyond_reason() -> None:
    (problem, *_) = read("a {" * 50000 + "}" * 50000)[1]
    assert problem.message == "blocks are nested more than 100 deep"


def test_a_scalar_given_twice() -> None:
    text = "train_config {\n num_steps: 1\n}\ntrain_config {\n num_steps: 2\n}"
    config, (problem,) = read(text)
    assert config.train_config.num_steps == 2  # type: ignore[attr-defined]
    assert config == oracle(text)
    assert problem.severity == "warning"
    assert re.search("line 2 and on line 5", problem.message)
    assert problem.place == Place("x.config", 5, 2)


def test_two_members_of_a_oneof() -> None:
    text = "model_config {\n dssm { temperature: 1 }\n dat { temperature: 2 }\n}"
    config, (problem,) = read(text)
    assert config == oracle(text)
    assert problem.severity == "warning"
    assert problem.message.startswith("`dat` replaces `dssm` of line 2")


def test_a_misspelt_block_hides_nothing_and_adds_nothing() -> None:
    config, (problem,) = read("data_confg { batch_size: 5 input_type: 'x' }")
    assert problem.nearest == "data_config"
    assert config.data_config.batch_size == 5  # type: ignore[attr-defined]


def test_positions() -> None:
    text = "train_config { seed: 1 }\ndata_config {\n  label_fields: ['a',\n   'b']\n}"
    positions = bind(text, "x.config")[1].positions
    lines = {path: (place.line, place.column) for path, place in positions.items()}
    assert lines == {
        "train_config": (1, 1),
        "train_config.seed": (1, 16),
        "data_config": (2, 1),
        "data_config.label_fields": (3, 3),
        "data_config.label_fields[0]": (3, 18),
        "data_config.label_fields[1]": (4, 4),
    }
