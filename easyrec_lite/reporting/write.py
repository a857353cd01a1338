"""Writes the report of a model folder."""

from __future__ import annotations

import logging
from pathlib import Path

from easyrec_lite.config import Pipeline
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Place, Problem
from easyrec_lite.core.files import atomic_write
from easyrec_lite.reporting import figures
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.page import page

REPORT = "report.html"
log = logging.getLogger(__name__)


def write_report(pipeline: Pipeline, path: Path | None = None) -> Path:
    """Writes the report of the config's model folder; returns its path.

    Without Matplotlib the report has no pictures, and a warning is logged.

    Args:
      pipeline: the config of the run.
      path: the file to write; default `report.html` in the model folder.

    Raises:
      ConfigError: there is no such folder.
      RunError: the file cannot be written.
    """
    folder = Path(pipeline.config.model_dir)
    if not fs.is_dir(folder):
        raise ConfigError(
            Problem(
                "no such model folder",
                Place(str(folder)),
                remedy="train first: python -m easyrec_lite.train --config …",
            )
        )
    if not figures.available():
        log.warning("%s", figures.MISSING)
    target = path or folder / REPORT
    atomic_write(target, page(ModelFolder(folder, pipeline)))
    return target


def report_after(pipeline: Pipeline) -> str:
    """Writes the report at the end of a run, which a failure of the report must not fail.

    Returns:
      A line with the path of the report, or the reason why there is none.
    """
    try:
        return f"report:     {write_report(pipeline)}"
    except Exception as error:
        return f"report:     not written: {type(error).__name__}: {error}"
