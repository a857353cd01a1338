"""Trains with several logical devices of this machine's CPU, to try MirroredStrategy without GPUs.

`python -m benchmarks.distributed.mirrored 2 --config NAME …` with the flags of `train`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from easyrec_lite import train
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.process import load_tensorflow


def main(argv: Sequence[str]) -> int:
    load_tensorflow()
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    devices = [tf.config.LogicalDeviceConfiguration()] * int(argv[0])
    tf.config.set_logical_device_configuration(cpu, devices)
    return train.main(argv[1:])


if __name__ == "__main__":
    sys.exit(cli.run(main))
