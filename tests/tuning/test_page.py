"""The page of a study and its printed lines: the numbers of the trials, texts as texts."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from easyrec_lite import train
from easyrec_lite.core.errors import Place
from easyrec_lite.runs.config_flags import edits_from
from easyrec_lite.tuning.objective import Objective
from easyrec_lite.tuning.page import StudyResult, study_page
from easyrec_lite.tuning.parse import parse_flags
from easyrec_lite.tuning.space import Choice
from easyrec_lite.tuning.study import TrialRow
from easyrec_lite.tuning.table import TrialTable, train_command
from tests.reporting.made import HOSTILE
from tests.reporting.reading import parse, section, tables

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
SPACE = [
    *parse_flags(["a.rate=log(1e-5, 1)", "a.size=int(1, 9)"]),
    Choice("b.text", Place(), {text: text for text in HOSTILE}),
]


def row(number: int, state: str = "done", value: float | None = 0.5, cause: str = "") -> TrialRow:
    text = HOSTILE[number % len(HOSTILE)]
    stored = {"a.rate": 10.0**-number, "a.size": number, "b.text": text}
    series = [] if value is None else [value / 2, value]
    step = None if value is None else 40
    return TrialRow(number, state, value, step, 70.0, stored, series, cause, own=number == 0)


def result(rows: list[TrialRow], best: TrialRow | None, **more: Any) -> StudyResult:
    values: dict[str, Any] = {"importances": {}, "command": "train <x>", "config": 'a: "<b>"'}
    target = Objective("m<@>1", True, False)
    return StudyResult("name <b>", SPACE, target, rows, best, **{**values, **more})


ROWS = [
    *(row(number, value=0.1 * number) for number in range(5)),
    row(5, "pruned", 0.05),
    *(row(6 + at, "failed", None, text) for at, text in enumerate(HOSTILE)),
]


def test_the_page_shows_all_trials_and_its_texts_are_texts() -> None:
    shares = {"b.text": 0.7, "a.rate": 0.2, "a.size": 0.1}
    page = parse(study_page(result(ROWS, ROWS[4], importances=shares)))
    assert not page.all("script")
    assert not [n for n in page.everything() if any(key[:2] == "on" for key in n.attributes)]
    (shown,) = tables(section(page, "trials")).values()
    assert [each["trial"] for each in shown] == [trial.number for trial in ROWS]
    for each, trial in zip(shown, ROWS, strict=True):
        assert each["state"] == trial.state
        assert each["m<@>1"] == ("" if trial.value is None else trial.value)
        assert each["rate"] == trial.settings["a.rate"]
        assert each["text"] == clean(trial.settings["b.text"])
        assert each["cause"] == clean(trial.cause)
    assert "train <x>" in section(page, "best").text
    assert "0.4" in section(page, "best").text
    assert len(section(page, "slices").all("figure")) == len(SPACE)
    assert len(section(page, "importance").all("figure")) == 1
    assert 'a: "<b>"' in section(page, "space").text


def clean(text: str) -> str:
    return text.replace("\0", "\ufffd")


@pytest.mark.parametrize("rows", [[], [row(0, "failed", None)], [row(0, "running", None)]])
def test_a_page_without_results(rows: list[TrialRow], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = parse(study_page(result(rows, None)))
    assert not page.all("figure")
    assert "none" in section(page, "best").text


def test_a_page_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = parse(study_page(result(ROWS, ROWS[4], importances={"a.rate": 1.0})))
    assert "Matplotlib" in section(page, "course").text


def test_a_line_has_the_columns_of_the_head() -> None:
    table = TrialTable(SPACE, "m")
    head = table.head()
    for trial in ROWS[:6]:
        line = table.line(trial, is_best=trial.number == 4)
        assert line[head.index("state") :].startswith(trial.state)
        assert line[head.index("rate") :].startswith(f"{10.0**-trial.number:.4g}")
        assert ("best" in line) == (trial.number == 4)
        assert not set(line) & set("\n\0\x1b")
    assert table.line(ROWS[6], is_best=False).count("\n") == 0


SCALARS = st.text(max_size=8) | st.integers() | st.floats(allow_nan=False) | st.booleans()
VALUES = SCALARS | st.none() | st.lists(st.integers(), max_size=3) | st.just({"a": [1, "x"]})
PATHS = st.sampled_from(
    [
        *("model_dir", "train_input_path", "train_config.seed", "data_config.x[a=b c].d"),
        *("feature_config.features[:].embedding_dim", "fg_json_path", "train_config.y[0]"),
    ]
)


@QUICK
@given(st.dictionaries(PATHS, VALUES, max_size=4))
def test_the_printed_command_has_the_edits(edits: dict[str, Any]) -> None:
    command = train_command("my config.config", edits, ["plug_in"])
    words = shlex.split(command.replace(" \\\n", " "))
    assert words[:3] == ["python", "-m", "easyrec_lite.train"]
    args = train.parser().parse_args(words[3:])
    assert (args.config, args.plugins) == ("my config.config", ["plug_in"])
    found = edits_from(args)
    assert set(found) == set(edits)
    for path, value in edits.items():
        assert found[path] == value or found[path] == text(value)


def text(value: object) -> str:
    """Returns a value as the text of a flag, which an edit reads as the same."""
    return repr(value) if isinstance(value, float) else json.dumps(value)
