"""The examples in the docstrings of layers run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from easyrec_lite import layers

MODULES = [module.name for module in pkgutil.walk_packages(layers.__path__, "easyrec_lite.layers.")]
MODULES.append("easyrec_lite.checks.specs.layer")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
