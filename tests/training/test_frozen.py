"""Variables that `freeze_gradient` and `restore_filters` name."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from easyrec_lite.checks.check import check
from easyrec_lite.config import loads
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.training.optimizer import check_frozen
from easyrec_lite.training.patterns import matching
from tests.runs.test_changed_config import CONFIG

NAMES = ["user/user_id/embedding", "user/用户/embedding", "user_dnn/dnn_0/kernel"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([], set()),
        (["user_id"], {NAMES[0]}),
        (["^user/"], set(NAMES[:2])),
        (["kernel$", "用户"], set(NAMES[1:])),
        ([".*"], set(NAMES)),
        (["a|kernel"], {NAMES[2]}),
    ],
)
def test_a_pattern_matches_anywhere_in_a_name(patterns: list[str], expected: set[str]) -> None:
    assert matching(NAMES, patterns) == expected


def test_no_pattern_hangs() -> None:
    assert matching(["a" * 5000 + "!"], ["(a+)+$"]) == set()


def with_pattern(pattern: str) -> str:
    return CONFIG.replace("num_steps: 4", f"num_steps: 4\n  freeze_gradient: '{pattern}'")


@pytest.mark.parametrize("pattern", ["(", "(?=user)", "(?<!a)b", "(a)\\\\1"])
def test_a_pattern_that_cannot_be_is_an_error_with_its_place(pattern: str) -> None:
    errors = check(loads(with_pattern(pattern), "my.config"))
    assert any(
        each.path == "train_config.freeze_gradient[0]" and each.place.line == 4 for each in errors
    )


def test_freezing_everything_is_an_error_with_its_place() -> None:
    variables = {name: tf.Variable(1.0) for name in NAMES}
    with pytest.raises(ConfigError, match=r"my\.config:4"):
        check_frozen(loads(with_pattern(".*"), "my.config"), variables)


def test_a_pattern_that_matches_nothing_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    variables = {name: tf.Variable(1.0) for name in NAMES}
    check_frozen(loads(with_pattern("usr_id"), "my.config"), variables)
    assert "usr_id" in caplog.text
    assert NAMES[0] in caplog.text


def test_a_listwise_config_needs_no_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from easyrec_lite.runs.estimator import Estimator

    rows = [f"0,0,u{i % 7},a,x|y,{i / 20},{i % 20}\n" for i in range(40)]
    (tmp_path / "train.csv").write_text("".join(rows))
    monkeypatch.chdir(tmp_path)
    text = CONFIG.replace(' label_fields: "clk"', "").replace("auc {}", "recall_at_topk {}")
    text = text.replace("loss_type: CLASSIFICATION", "loss_type: SOFTMAX_CROSS_ENTROPY")
    result = Estimator(loads(text)).train_and_evaluate()
    assert result.step == 4
    assert [name for name in result.metrics if name.startswith("recall@")]
