from __future__ import annotations

import pytest

from benchmarks.ncf.cases import Case
from benchmarks.ncf.table import spread, tables


def test_mean_and_sample_deviation() -> None:
    assert spread([]) == "–"
    assert spread([0.5]) == "0.5000"
    assert spread([0.1, 0.2, 0.3]) == "0.2000 ± 0.1000"


@pytest.mark.parametrize("there", [0, 1, 2])
def test_one_row_a_model_and_variant_however_many_are_done(there: int) -> None:
    class Ones(dict):  # type: ignore[type-arg]
        def __missing__(self, name: str) -> float:
            return 0.25

    result = {
        "metrics": Ones(),
        "cpu_seconds": 7.4,
        "wall_seconds": 9.0,
        "table_weights": 1234,
        "dense_weights": 5,
    }
    cases = [Case("DSSM", "all", seed, {}) for seed in (1, 2)]
    text = tables(cases, [result] * there + [None] * (2 - there), "CAPTION")
    assert text.startswith("CAPTION\n\nKnown figures")
    rows = [line for line in text.splitlines() if line.startswith("| DSSM")]
    assert len(rows) == 3
    cells = rows[0].strip("| ").split(" | ")
    expected = {
        0: ["–"] * 6,
        1: ["0.2500", "0.2500", "1,234", "5", "7", "9"],
        2: ["0.2500 ± 0.0000"] * 2 + ["1,234", "5", "7", "9"],
    }
    assert cells == ["DSSM", "all", str(there), *expected[there]]
