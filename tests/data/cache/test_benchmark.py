"""The benchmark of the cache runs and prints every row of its table."""

from __future__ import annotations

import re

import pytest

from benchmarks import input_cache


def test_a_small_run(capsys: pytest.CaptureFixture[str]) -> None:
    name = "dssm_senet_on_taobao_pointwise.config"
    sizes = ["--rows", "900", "--batch_size", "64", "--batches", "3", "--steps", "2"]
    assert input_cache.main(["--config", name, *sizes, "--repeats", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    labels = (name, "  with the cache", "  one batch in memory", "  ratio")
    numbers = [
        re.findall(r"[\d.,]+", next(line for line in lines if line.startswith(label))[44:])
        for label in labels
    ]
    assert [len(found) for found in numbers] == [3, 3, 1, 2]
    assert all(float(text.replace(",", "")) >= 0 for found in numbers for text in found)
