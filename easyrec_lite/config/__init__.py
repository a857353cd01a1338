"""Configs: loading with positions, edits, saving. Knows no model, reader or loss."""

from __future__ import annotations

from easyrec_lite.config.load import examine, load, loads
from easyrec_lite.config.save import save
from easyrec_lite.config.source import Pipeline, Source

__all__ = ["Pipeline", "Source", "examine", "load", "loads", "save"]
