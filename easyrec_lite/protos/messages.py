"""The schema's messages and enums: `from easyrec_lite.protos.messages import EasyRecConfig`.

The classes are made at import from the compiled schema. `messages.pyi`, which the build writes
beside this file, gives type checkers and editors their fields.

    >>> from easyrec_lite.protos.messages import LossType, TrainConfig
    >>> TrainConfig(num_steps=100).num_steps
    100
    >>> LossType.Name(LossType.Value("CLASSIFICATION"))
    'CLASSIFICATION'
"""

from __future__ import annotations

from typing import Any

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from easyrec_lite.protos import enum_descriptor, message_class


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        for find in (message_class, _enum):
            try:
                return find(name)
            except KeyError:
                continue
    raise AttributeError(f"the schema has no message or enum {name!r}")


def _enum(name: str) -> EnumTypeWrapper:
    return EnumTypeWrapper(enum_descriptor(name))
