"""Configs: loading with positions, edits, saving. Knows no model, reader or loss."""

from __future__ import annotations

from easyrec_lite.config.load import examine, load, loads
from easyrec_lite.config.pipeline import ConfigSource, Pipeline
from easyrec_lite.config.save import save

__all__ = ["ConfigSource", "Pipeline", "examine", "load", "loads", "save"]
