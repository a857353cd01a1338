"""The benchmark of the cache runs and prints every row of its table."""

from __future__ import annotations

import re

import pytest

from benchmarks import input_cache


def test_a_small_run(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["dssm_on_taobao.config", "dssm_neg_sampler_on_taobao.config"]
    sizes = ["--rows", "900", "--batch_size", "64", "--steps", "2", "--repeats", "1"]
    assert input_cache.main(["--config", *names, *sizes]) == 0
    lines = capsys.readouterr().out.splitlines()
    lines = lines[lines.index(names[0]) :][:6]
    assert [line for line in lines if not line.startswith(" ")] == names
    for line in lines[1:3] + lines[4:]:
        cpu, *shares = re.findall(r"(-?[\d.]+)%?", line)
        assert float(cpu) > 0
        assert len(shares) == line.count("%") == 3
        assert float(shares[0]) > 0
