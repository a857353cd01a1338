"""What reaches a terminal or a log."""

from __future__ import annotations

import io
import logging

import pytest

from easyrec_lite.core.errors import Place, Problem, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, 中文, é\ttab\nnext", "plain, 中文, é\ttab\nnext"),
        ("\x1b[2J\x1b[31mred", "\\x1b[2J\\x1b[31mred"),
        ("back\x08\x7f\r", "back\\x08\\x7f\\r"),
        ("right to \u202eleft", "right to \\u202eleft"),
    ],
)
def test_control_characters_are_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_problem_shows_no_control_character() -> None:
    evil = "a\x1b]0;title\x07b"
    shown = str(Problem(evil, Place(evil + "\nfile", 3), evil, evil, evil, evil, evil))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert shown.splitlines()[0].count("title") == 3


def test_log_lines_show_no_control_character(monkeypatch: pytest.MonkeyPatch) -> None:
    from easyrec_lite.runs import logs

    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    logs.set_up_logs()
    logging.getLogger("easyrec_lite.x").warning("row %s", "\x1b[31m")
    assert "\\x1b[31m" in out.getvalue()
    assert "\x1b" not in out.getvalue()
