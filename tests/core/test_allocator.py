"""Freed memory that stays with the process."""

import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's own options")

ROUNDS = """
import resource
import numpy as np
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        parts = [np.ones(3 << 20, np.uint8) for _ in range(9)]
        del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""
KEPT = "from easyrec_lite.core.allocator import keep_freed_memory; keep_freed_memory()"
GENERATED = """
import tensorflow as tf
from easyrec_lite.data.rows.generated import generated
assert [int(n) for n in generated(lambda: iter(range(3)), tf.TensorSpec([], tf.int64))] == [0, 1, 2]
"""


def faults(*before: str) -> int:
    code = "\n".join([*before, ROUNDS])
    return int(subprocess.check_output([sys.executable, "-c", code], text=True).split()[-1])


def test_freed_memory_is_there_for_the_next_round_also_beside_a_generator() -> None:
    given_back = faults()
    assert faults(KEPT) * 10 < given_back
    assert faults(KEPT, GENERATED) * 10 < given_back


def test_a_generator_keeps_no_memory_of_its_own_accord() -> None:
    assert faults(GENERATED) * 2 > faults()
