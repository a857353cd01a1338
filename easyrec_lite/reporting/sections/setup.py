"""The config of the run, and the versions of the packages."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from easyrec_lite import __version__
from easyrec_lite.core import filesystem as fs
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.rendering import Cell, ReportTable
from easyrec_lite.reporting.section import Section

EXPORTED = ("easyrec_lite", "tensorflow", "keras", "numpy")
PACKAGES = ("tensorflow", "keras", "numpy", "protobuf", "matplotlib")


def content(folder: ModelFolder) -> dict[str, Any]:
    """Returns the versions and the config's text."""
    here = {"easyrec_lite": __version__, "Python": platform.python_version()}
    here |= {name: _version(name) for name in PACKAGES}
    exported = {name: folder.manifest[name] for name in EXPORTED if name in folder.manifest}
    head = ["package", "report made with"]
    rows: list[list[Cell]] = [[name, version] for name, version in here.items()]
    if folder.manifest:
        head.append("exported with")
        rows = [[name, here[name], exported.get(name)] for name in here]
    text = fs.read_text(folder.config_path, errors="replace")
    return {"versions": ReportTable("Versions", head, rows), "config": text}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


SECTION = Section("setup", "Config and versions", content)
