"""Tables of what was measured, and on what."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("tensorflow", "keras", "numpy", "torch")
GAP = 2
WIDE = ("config", "input", "who", "what", "part", "type")


def machine() -> dict[str, Any]:
    """Returns the processor, its cores, memory, load, and the versions."""
    found: dict[str, Any] = {
        "CPU": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory GB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "load": round(os.getloadavg()[0], 2),
        "Python": platform.python_version(),
    }
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def table(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Prints each line as soon as it is measured, new heads where they change; returns all.

    A spread is printed as its median with the least and the most behind it.
    """
    kept: list[dict[str, Any]] = []
    heads: list[str] = []
    for line in lines:
        kept.append(line)
        cells = {name: _cell(value) for name, value in line.items()}
        widths = {name: max(_width(name, value), len(name)) + GAP for name, value in line.items()}
        if list(line) != heads:
            heads = list(line)
            print("".join(f"{name:<{widths[name]}}" for name in heads).rstrip())
        row = "".join(f"{cell:<{widths[name]}}" for name, cell in cells.items())
        print(row.rstrip(), flush=True)
    return kept


def _width(name: str, value: Any) -> int:
    """The same for all lines: they are printed before the next is known."""
    if isinstance(value, dict):
        return 27
    return 32 if isinstance(value, str) and name in WIDE else 10


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return f"{_number(value['median'])} ({_number(value['min'])}–{_number(value['max'])})"
    return value if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    if abs(value) >= 1000 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.3g}"
