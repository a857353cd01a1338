"""What is said about tables that no machine holds, and paths that are not local."""

from __future__ import annotations

import pytest

from easyrec_lite.checks.rules import machine
from tests.config.base_config import POINTWISE, assert_reported, problems, replaced


@pytest.mark.parametrize("buckets", [10**12, 2**62])
def test_a_table_larger_than_memory_is_an_error(buckets: int) -> None:
    text = replaced(POINTWISE, "hash_bucket_size: 100", f"hash_bucket_size: {buckets}")
    assert_reported(text, str(buckets), "error", "user_id", "memory", "hash_bucket_size")


def test_tables_that_fit_one_by_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    largest = 100 * 8 * 3 * 4
    monkeypatch.setattr(machine, "physical_memory", lambda: largest + 1)
    (found,) = [each for each in problems(POINTWISE) if "memory" in each.message]
    assert found.path == "feature_config"


def test_parameter_servers_may_hold_more_than_one_machine() -> None:
    text = replaced(POINTWISE, "hash_bucket_size: 100", f"hash_bucket_size: {10**12}")
    text = replaced(text, "  num_steps: 10\n", "  num_steps: 10\n  train_distribute: PSStrategy\n")
    assert not [each for each in problems(text) if "memory" in each.message]


@pytest.mark.parametrize("path", ["s3://bucket/rows.csv", "oss://b/x", "hdfs://n/rows"])
def test_paths_of_other_file_systems_are_refused(path: str) -> None:
    assert_reported(replaced(POINTWISE, '"train.csv"', f'"{path}"'), path, "error", path)
    assert_reported(replaced(POINTWISE, 'model_dir: "run"', f'model_dir: "{path}"'), path, "error")


def test_a_schedule_that_ends_before_it_has_warmed_up() -> None:
    text = replaced(
        POINTWISE,
        "constant_learning_rate { learning_rate: 0.01 }",
        "cosine_decay_learning_rate { learning_rate_base: 0.1 total_steps: 5\n warmup_steps: 9 }",
    )
    found = [each for each in problems(text) if each.path.endswith("total_steps")]
    assert found
    assert "9" in found[0].expected
