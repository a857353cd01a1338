"""The compiled schema of pipeline configs: its files, its descriptors, its message classes.

The classes live in a descriptor pool of their own, so that EasyRec itself can be loaded in the
same process. `easyrec_lite.protos.messages` gives each of them by name, with types.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "easyrec_lite"
SCHEMA_PATH = Path(__file__).with_name("schema.binpb")


@cache
def schema() -> descriptor_pb2.FileDescriptorSet:
    """Returns the compiled schema with source info.

    Raises:
      ImportError: the package was never built; the message says how to.
    """
    if not SCHEMA_PATH.exists():
        raise ImportError(
            f"the compiled schema is missing: {SCHEMA_PATH}. "
            "It is made at installation: run `pip install .` (or `pip install -e .`) in the clone."
        )
    return descriptor_pb2.FileDescriptorSet.FromString(SCHEMA_PATH.read_bytes())


@cache
def pool() -> descriptor_pool.DescriptorPool:
    """Returns the descriptor pool that holds the schema and nothing else."""
    made = descriptor_pool.DescriptorPool()
    for file in schema().file:
        bare = descriptor_pb2.FileDescriptorProto()
        bare.CopyFrom(file)
        bare.ClearField("source_code_info")
        made.Add(bare)
    return made


@cache
def message_class(name: str) -> Any:
    """Returns the class of message `name`, e.g. `DatasetConfig.Field`.

    Raises:
      KeyError: the schema has no such message.
    """
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))


@cache
def enum_descriptor(name: str) -> Any:
    """Returns the descriptor of enum `name`, e.g. `LossType` or `FeatureConfig.FeatureType`.

    Raises:
      KeyError: the schema has no such enum.
    """
    return pool().FindEnumTypeByName(f"{PACKAGE}.{name}")
