"""The examples in the docstrings of the data package run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import easyrec_lite.data
from easyrec_lite.checks.specs import reader

MODULES = [
    module.name
    for module in pkgutil.walk_packages(easyrec_lite.data.__path__, "easyrec_lite.data.")
    if not module.ispkg
]


@pytest.mark.parametrize("name", [*MODULES, reader.__name__, "easyrec_lite.checks.separator"])
def test_the_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    tried = [doctest.testmod(importlib.import_module(name)).attempted for name in MODULES]
    assert sum(tried) >= 3
