"""Predictions and recommendations never take the place of the rows that they are made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from easyrec_lite import predict, recommend
from tests import commands
from tests.commands import Command


@pytest.mark.parametrize("command", [predict, recommend])
@pytest.mark.parametrize("name", ["rows.csv", "link.csv", "./rows.csv"])
def test_an_output_over_an_input_is_refused(
    trained: Path,
    tmp_path: Path,
    command: Command,
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_bytes((trained / "rows.csv").read_bytes())
    (tmp_path / "link.csv").symlink_to(rows)
    flags = ["--saved_model_dir", str(trained / "model"), "--input_path", f"{tmp_path}/r*.csv"]
    assert commands.run(command, [*flags, "--output_path", f"{tmp_path}/{name}"]) == 2
    printed = capsys.readouterr().err
    assert "--output_path" in printed
    assert str(tmp_path / name) in printed
    assert rows.read_bytes() == (trained / "rows.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.csv", "rows.csv"]
