"""Trains with several logical devices of this machine's CPU, to try MirroredStrategy without GPUs.

`python -m benchmarks.distributed.mirrored 2 --config NAME …` with the flags of `train`.
"""

from __future__ import annotations

import sys
from argparse import Namespace

from easyrec_lite import train
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.process import load_tensorflow


def parser() -> cli.Parser:
    made = train.parser()
    made.add_argument("devices", type=int)
    return made


def main(args: Namespace) -> int:
    load_tensorflow()
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    devices = [tf.config.LogicalDeviceConfiguration()] * args.devices
    tf.config.set_logical_device_configuration(cpu, devices)
    return train.main(args)


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
