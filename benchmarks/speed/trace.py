"""What TensorFlow's profiler wrote, as operations with the time that they took themselves.

The file's format is `xplane.proto` of https://github.com/openxla/xla; only the fields read here
are declared.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_INT64, _STRING, _MESSAGE = 3, 9, 11
# Message → field → (number, type, the message it holds, if any).
_FORMAT: dict[str, dict[str, tuple[int, int, str]]] = {
    "Space": {"planes": (1, _MESSAGE, "Plane")},
    "Plane": {
        "name": (2, _STRING, ""),
        "lines": (3, _MESSAGE, "Line"),
        "event_metadata": (4, _MESSAGE, "Entry"),
    },
    "Entry": {"key": (1, _INT64, ""), "value": (2, _MESSAGE, "Metadata")},
    "Metadata": {"name": (2, _STRING, "")},
    "Line": {
        "name": (2, _STRING, ""),
        "timestamp_ns": (3, _INT64, ""),
        "events": (4, _MESSAGE, "Event"),
    },
    "Event": {
        "metadata_id": (1, _INT64, ""),
        "offset_ps": (2, _INT64, ""),
        "duration_ps": (3, _INT64, ""),
    },
}
_REPEATED = ("planes", "lines", "event_metadata", "events")
_OPERATION = re.compile(r"([\w/.-]+):(\w+)(?:#.*)?")
# What the threads that run operations do besides: choosing the next one, and handing on its output.
EXECUTOR = "ExecutorState::Process"


class Span(NamedTuple):
    """An operation that ran, or the executor around it.

    Attributes:
      name: the operation's name in its graph; of the executor, `EXECUTOR`.
      kind: its type, such as `MatMul`; of the executor, "".
      line: number of the thread.
      start: seconds since the profile began.
      seconds: how long it took.
      own: of these, those not spent in spans within it.
    """

    name: str
    kind: str
    line: int
    start: float
    seconds: float
    own: float


def read(folder: Path) -> list[Span]:
    """Returns the spans of the profile in `folder`, thread by thread in order."""
    (file,) = folder.rglob("*.xplane.pb")
    space = _space_class()()
    space.ParseFromString(file.read_bytes())
    lines = [
        ({entry.key: entry.value.name for entry in plane.event_metadata}, line)
        for plane in space.planes
        for line in plane.lines
    ]
    return [span for number, found in enumerate(lines) for span in _spans(number, *found)]


def _spans(number: int, names: dict[int, str], line: Any) -> Iterator[Span]:
    """Yields the spans of a thread; what others in it took is subtracted from each."""
    events = sorted(line.events, key=lambda event: (event.offset_ps, -event.duration_ps))
    inside = [0] * len(events)
    open_events: list[int] = []
    for at, event in enumerate(events):
        while open_events and _end(events[open_events[-1]]) <= event.offset_ps:
            open_events.pop()
        if open_events:
            inside[open_events[-1]] += event.duration_ps
        open_events.append(at)
    for event, children in zip(events, inside, strict=True):
        name, kind = _identity(names[event.metadata_id])
        if name:
            start = line.timestamp_ns * 1e-9 + event.offset_ps * 1e-12
            own = max(event.duration_ps - children, 0)
            yield Span(name, kind, number, start, event.duration_ps * 1e-12, own * 1e-12)


def _end(event: Any) -> int:
    return int(event.offset_ps + event.duration_ps)


def _identity(text: str) -> tuple[str, str]:
    """Returns name and type of an operation, of the executor, or nothing."""
    if text.startswith(EXECUTOR):
        return EXECUTOR, ""
    found = _OPERATION.fullmatch(text)
    return (found[1], found[2].removeprefix("_Mkl").removeprefix("Native")) if found else ("", "")


@functools.cache
def _space_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="trace.proto", package="trace")
    for message, fields in _FORMAT.items():
        made = file.message_type.add(name=message)
        for field, (number, kind, holds) in fields.items():
            label = 3 if field in _REPEATED else 1
            added = made.field.add(name=field, number=number, type=kind, label=label)
            if holds:
                added.type_name = f".trace.{holds}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("trace.Space"))
