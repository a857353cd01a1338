"""Warnings of loading and of checking reach a run once each."""

from __future__ import annotations

from pathlib import Path

import pytest

from easyrec_lite.checks.check import load_config
from easyrec_lite.core.errors import ConfigError
from tests.config.base_config import POINTWISE, replaced


def test_each_warning_comes_once(tmp_path: Path) -> None:
    twice = "  batch_size: 8\n  batch_size: 9\n  prefetch_size: 2\n"
    path = tmp_path / "my.config"
    path.write_text(replaced(POINTWISE, "  batch_size: 8\n", twice))
    warnings = [(found.place.line, found.path) for found in load_config(path).warnings]
    assert warnings == [(14, "data_config.batch_size"), (15, "data_config.prefetch_size")]


def test_errors_of_the_schema_and_of_the_rules_come_together(tmp_path: Path) -> None:
    path = tmp_path / "my.config"
    text = replaced(POINTWISE, "  batch_size: 8\n", "  batch_sise: 8\n")
    path.write_text(replaced(text, '["user_id", "city"', '["userid", "city"'))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert [found.nearest for found in caught.value.problems] == ["batch_size", "user_id"]
    assert str(caught.value).endswith("2 config problems")
