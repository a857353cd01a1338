"""The config as it was run, and the versions of what ran it."""

from __future__ import annotations

import platform
from importlib import metadata

from easyrec_lite import __version__
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.markup import Child, details, note, table, tag
from easyrec_lite.reporting.section import Section

EXPORTED = ("easyrec_lite", "tensorflow", "keras", "numpy")
PACKAGES = ("tensorflow", "keras", "numpy", "protobuf", "matplotlib")


def body(folder: ModelFolder) -> list[Child]:
    """Returns versions, then the config's text."""
    here = {"easyrec_lite": __version__, "Python": platform.python_version()}
    here |= {name: _version(name) for name in PACKAGES}
    exported = {name: folder.manifest[name] for name in EXPORTED if name in folder.manifest}
    rows = [[name, exported.get(name), here[name]] for name in here]
    text = folder.config_path.read_text(encoding="utf-8", errors="replace")
    shown = tag(
        "pre",
        tag("code", text),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label="Config",
    )
    return [
        note("Model folder: ", tag("code", str(folder.path))),
        table("Versions", ["package", "exported with", "report made with"], rows),
        details("pipeline.config", shown),
    ]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


SECTION = Section("setup", "Config and versions", body)
