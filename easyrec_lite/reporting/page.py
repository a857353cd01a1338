"""The page: its sections one after the other, in one file that needs nothing else."""

from __future__ import annotations

import logging
from importlib import resources

from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.markup import Html, joined, problem, tag
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
# The page may load nothing, not even from its own folder, and run nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
log = logging.getLogger(__name__)


def page(folder: ModelFolder) -> str:
    """Returns the report of a model folder as HTML.

    A section that cannot be made says so in its place, and in the log.
    """
    title = f"{folder.path.name}: report"
    style = resources.files("easyrec_lite.reporting").joinpath("report.css").read_text("utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", Html(style)),
    )
    links = [tag("a", section.title, href=f"#{section.key}") for section in SECTIONS]
    body = tag(
        "body",
        tag("a", "Skip to the content", href="#content", class_="skip"),
        tag("header", tag("h1", folder.path.name), tag("nav", *links, aria_label="Sections")),
        tag("main", *(_made(section, folder) for section in SECTIONS), id="content"),
    )
    return joined([Html("<!DOCTYPE html>\n"), tag("html", head, body, lang="en"), "\n"])


def _made(section: Section, folder: ModelFolder) -> Html:
    heading = tag("h2", section.title, id=f"{section.key}-title")
    try:
        body = section.body(folder)
    except Exception as error:
        log.warning("report, section %r: %s: %s", section.title, type(error).__name__, error)
        body = [problem("This section could not be made: ", str(error))]
    return tag("section", heading, *body, id=section.key, aria_labelledby=f"{section.key}-title")
