"""The examples in docstrings do what they show."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = [
    *(f"config.{name}" for name in ("documentation", "edit", "jsonform", "load", "paths", "save")),
    "config.expressions",
    "features.embeddings",
    "features.transform",
    "reporting.rendering",
    "reporting.id_columns",
    "models.backbone.diagram",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(f"easyrec_lite.{name}"))
    assert tried > 0
    assert failed == 0
