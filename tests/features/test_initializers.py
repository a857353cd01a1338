from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

from easyrec_lite.checks.features import EmbeddingTable
from easyrec_lite.features.initializers import table_values
from easyrec_lite.protos.messages import Initializer
from tests.features.configs import config_of, problems_of


def values(text: str = "", rows: int = 5000, dim: int = 16, name: str = "t", seed: int = 1) -> Any:
    initializer = text_format.Parse(text, Initializer()) if text else None
    return table_values(EmbeddingTable(name, rows, dim, initializer, ()), seed).numpy()


def test_default_is_truncated_normal_of_one_over_root_dim() -> None:
    drawn = values(dim=16)
    assert drawn.shape == (5000, 16)
    assert drawn.dtype == np.float32
    assert np.abs(drawn).max() <= 2 * 0.25
    assert abs(drawn.mean()) < 0.005
    assert abs(drawn.std() - 0.25 * 0.8796) < 0.005


def test_values_are_a_function_of_seed_and_name_alone() -> None:
    first = values()
    values(name="another")
    np.testing.assert_array_equal(values(), first)
    assert not np.array_equal(values(name="another"), first)
    assert not np.array_equal(values(seed=2), first)


@pytest.mark.parametrize(
    ("text", "mean", "stddev"),
    [
        ("truncated_normal_initializer { mean: 3 stddev: 0.5 }", 3, 0.5 * 0.8796),
        ("truncated_normal_initializer {}", 0, 0.8796),
        ("random_normal_initializer { mean: -1 stddev: 2 }", -1, 2),
        ("glorot_normal_initializer {}", 0, np.sqrt(2 / 5016)),
    ],
)
def test_configured_distribution(text: str, mean: float, stddev: float) -> None:
    drawn = values(text)
    assert abs(drawn.mean() - mean) < 0.02 * stddev
    assert abs(drawn.std() / stddev - 1) < 0.02
    assert (np.abs(drawn - mean).max() > 3 * stddev) == text.startswith("random_normal")


def test_constants() -> None:
    one = values("constant_initializer { consts: 0.5 }", rows=2, dim=3)
    np.testing.assert_array_equal(one, np.full((2, 3), 0.5, np.float32))
    consts = " ".join(f"consts: {number}" for number in range(6))
    row = "constant_initializer { consts: 1 consts: 2 consts: 3 }"
    np.testing.assert_array_equal(values(row, rows=2, dim=3), [[1, 2, 3], [1, 2, 3]])
    every = values(f"constant_initializer {{ {consts} }}", rows=2, dim=3)
    np.testing.assert_array_equal(every, [[0, 1, 2], [3, 4, 5]])
    body = "feature_type: IdFeature num_buckets: 2 embedding_dim: 3"
    wrong = "initializer { constant_initializer { consts: 1 consts: 2 } }"
    assert "does not fit the table" in problems_of(config_of(f'input_names: "x" {body} {wrong}'))
