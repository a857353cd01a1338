"""Configs: loading with positions, edits, checking, saving. Nothing here imports TensorFlow."""

from __future__ import annotations

from easyrec_lite.checks.check import check
from easyrec_lite.config.load import examine, load, load_checked, loads
from easyrec_lite.config.save import save
from easyrec_lite.config.source import Pipeline, Source

__all__ = ["Pipeline", "Source", "check", "examine", "load", "load_checked", "loads", "save"]
