from __future__ import annotations

import subprocess
import sys

import pytest

from easyrec_lite import check_config, explain
from easyrec_lite.checks.fields import status
from easyrec_lite.protos.docs import enums, messages
from tests import commands


def _explain(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert commands.run(explain, argv) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def test_scalar_field(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _explain(capsys, "train_config.optimizer_config[0].adam_optimizer.beta1").splitlines()
    assert lines[0] == "train_config.optimizer_config.adam_optimizer.beta1"
    assert [line.split(maxsplit=1) for line in lines[1:5]] == [
        ["field:", "AdamOptimizer.beta1 = 3"],
        ["type:", "optional float"],
        ["default:", "0.9"],
        ["status:", "implemented"],
    ]
    assert lines[-1] == messages()["AdamOptimizer"].fields["beta1"].comment


def test_refused_field_tells_why_and_what_instead(capsys: pytest.CaptureFixture[str]) -> None:
    decision = status("EasyRecConfig", "hive_train_input")
    assert decision.kind == "refused"
    printed = _explain(capsys, "hive_train_input")
    assert f"status:   refused: {decision.note}\n" in printed
    assert f"remedy:   {decision.remedy}\n" in printed


def test_field_without_effect_tells_why(capsys: pytest.CaptureFixture[str]) -> None:
    decision = status("TrainConfig", "protocol")
    assert decision.kind == "warned"
    assert f"status:   no effect here: {decision.note}\n" in _explain(
        capsys, "TrainConfig.protocol"
    )


def test_enum_field_lists_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    printed = _explain(capsys, "model_config.dssm.simi_func")
    assert "  default:  COSINE\n" in printed
    for value in enums()["Similarity"].values:
        assert f"  {value.name} = {value.number}\n" in printed
        assert value.comment.split()[0] in printed
    assert _explain(capsys, "Similarity").endswith(printed[printed.index("values:") :])


def test_oneof_field_names_its_siblings(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = (
        line
        for line in _explain(capsys, "Regularizer.l1_regularizer").splitlines()
        if "oneof:" in line
    )
    assert line.endswith("regularizer_oneof, with l2_regularizer, l1_l2_regularizer")


def _listed(printed: str) -> list[str]:
    return [line.split(":")[0].strip() for line in printed.split("fields:\n")[1].splitlines()]


def test_message_lists_its_fields_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert _listed(_explain(capsys, "AdamOptimizer")) == list(messages()["AdamOptimizer"].fields)
    field = _explain(capsys, "train_config.optimizer_config.adam_optimizer")
    assert _listed(field) == list(messages()["AdamOptimizer"].fields)


def test_no_argument_lists_the_top_level(capsys: pytest.CaptureFixture[str]) -> None:
    printed = _explain(capsys)
    assert _listed(printed) == list(messages()["EasyRecConfig"].fields)
    assert "hive_train_input: optional HiveConfig (refused)" in printed
    assert "fg_json_path: optional string (no effect)" in printed


def test_counts_are_those_of_the_field_table(capsys: pytest.CaptureFixture[str]) -> None:
    whole, *lines = _explain(capsys, "--counts").splitlines()
    at = lines.index("")
    counted = {line[:14].strip(): int(line[14:]) for line in lines[:at]}
    fields = [f for message in messages().values() for f in message.fields.values()]
    decided = [status(field.message, field.name).kind for field in fields]
    kinds = {"implemented": "implemented", "no effect": "warned", "refused": "refused"}
    assert counted == {shown: decided.count(kind) for shown, kind in kinds.items()}
    assert whole == f"{sum(counted.values())} fields in {len(messages())} messages"
    assert "  AdamOptimizer.decay_all_rows = 5001" in lines[at:]
    assert not any("beta1" in line for line in lines)


def test_everything_can_be_explained(capsys: pytest.CaptureFixture[str]) -> None:
    names = [*messages(), *enums()]
    names += [f.full_name for message in messages().values() for f in message.fields.values()]
    for name in names:
        assert _explain(capsys, name).strip()


def test_unknown_path_prints_the_nearest_name_and_exits_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert commands.run(explain, ["train_config.num_stps"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("schema: error: train_config.num_stps: TrainConfig has no field")
    assert "nearest:  num_steps" in printed.err
    assert "Traceback" not in printed.err


def test_a_second_path_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(explain, ["model_dir", "train_config"]) == 2
    assert "unknown argument train_config" in capsys.readouterr().err


def test_runs_without_tensorflow_and_in_any_encoding() -> None:
    program = (
        "import sys, runpy; sys.modules['tensorflow'] = None; sys.argv[1:] = ['DAT'];"
        "runpy.run_module('easyrec_lite.explain', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", program],
        capture_output=True,
        timeout=60,
        env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert b"l2_regularization" in done.stdout


def test_a_sequence_without_combiner_is_what_check_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The steps stay apart, which the rule of the kind refuses; `combiner` does not pool them."""
    edits = {
        "feature_config.features[input_names[0]=tag_brand_list].feature_type": "SequenceFeature"
    }
    (error,) = check_config("dssm_on_taobao.config", edits)
    assert error.severity == "error"
    assert "sequence_combiner" in error.message
    told = " ".join(_explain(capsys, "feature_config.features.sequence_combiner").split())
    assert "unset: combiner" not in told
    assert "the steps stay apart" in told
    edits["feature_config.features[input_names[0]=tag_brand_list].sequence_combiner.attention"] = {}
    assert check_config("dssm_on_taobao.config", edits) == []
