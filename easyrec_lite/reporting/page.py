"""The page: all sections in one file that needs no other file."""

from __future__ import annotations

import logging
from types import SimpleNamespace

from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.rendering import whole_page
from easyrec_lite.reporting.section import Section
from easyrec_lite.reporting.sections import (
    examples,
    features,
    losses,
    metrics,
    overview,
    popularity,
    ranking,
    setup,
)

SECTIONS = tuple(
    module.SECTION
    for module in (overview, losses, metrics, ranking, popularity, features, examples, setup)
)
log = logging.getLogger(__name__)


def page(folder: ModelFolder) -> str:
    """Returns the report of a model folder as HTML.

    A section that fails shows its error in its place, which is also logged.
    """
    sections = [_made(section, folder) for section in SECTIONS]
    return whole_page(folder.path.name, "report", sections)


def _made(section: Section, folder: ModelFolder) -> SimpleNamespace:
    made = SimpleNamespace(key=section.key, title=section.title, body=None, error=None)
    try:
        made.body = section.body(folder)
    except Exception as error:
        log.warning("report, section %r: %s: %s", section.title, type(error).__name__, error)
        made.error = str(error)
    return made
