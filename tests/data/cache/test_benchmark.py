"""The benchmark of the cache runs and prints every row of its table."""

from __future__ import annotations

import re

import pytest

from benchmarks import input_cache


def test_a_small_run(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["dssm_neg_sampler_on_taobao.config"]
    sizes = ["--rows", "900", "--batch_size", "64", "--steps", "2", "--repeats", "1"]
    assert input_cache.main(["--config", *names, *sizes]) == 0
    lines = capsys.readouterr().out.splitlines()
    lines = [line for line in lines if line in names or line.startswith("  ")]
    table = lines[lines.index(names[0]) :]
    assert [line for line in table if line in names] == names
    assert len(table) == 3
    for line in table[1:]:
        # So few steps measure noise: a difference of two times may be negative.
        assert re.search(r"(-?[\d.]+) +(-?[\d.]+)% +(-?[\d.]+)% +(-?[\d.]+)%$", line), line
