"""Pictures as SVG, drawn by Matplotlib in the colours of the page's style sheet.

Matplotlib is imported for the first picture. pyplot is not used, so that there is no global state.
"""

from __future__ import annotations

import importlib.util
import io
import re
import unicodedata
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

MISSING = (
    "no pictures in the report: Matplotlib is not installed; "
    "pip install 'easyrec_lite[report]', then python -m easyrec_lite.report --model_dir …"
)
SERIES = 8
LABEL_WIDTH = 30
# The width of a picture; sizes are in points.
WIDTH = 390
_POINT = 1 / 72
# Placeholders, and the variables of the style sheet that replace them: series, text, lines.
_COLOURS = {
    **{f"#fe00{index:02x}": f"var(--series-{index})" for index in range(SERIES)},
    "#fe0100": "var(--ink)",
    "#fe0101": "var(--line)",
}
_INK, _LINE = "#fe0100", "#fe0101"
_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "text.parse_math": False,
    "font.size": 9.0,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": _LINE,
    "grid.linewidth": 0.5,
    "grid.alpha": 0.6,
    "text.color": _INK,
    "xtick.color": _LINE,
    "ytick.color": _LINE,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}

Points = tuple[Sequence[float], Sequence[float]]


def available() -> bool:
    """Returns whether Matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def curves(
    name: str,
    alt: str,
    lines: Mapping[str, Points],
    ylabel: str,
    markers: bool = False,
    levels: Mapping[str, float] | None = None,
    xlabel: str = "step",
) -> Markup:
    """Returns a figure of lines over steps; without Matplotlib, a note.

    Args:
      name: the figure's id in the page.
      alt: what it shows, in words.
      lines: label → (steps, values); from the ninth on, lines repeat colours.
      ylabel: name of the values.
      markers: whether to mark each point.
      levels: label of a line → a value to compare it with, a dashed line of its colour.
      xlabel: name of the steps.
    """
    if not available():
        return _without_picture()
    labels = [shortened(label) for label in lines]
    columns = max(1, min(3, WIDTH // (36 + 5 * max(map(text_width, labels), default=0))))
    legend = 12 * -(-len(lines) // columns) + 6 if len(lines) > 1 else 0
    height = 218 + legend
    with _figure(WIDTH * _POINT, height * _POINT) as figure:
        top = 1 - (24 + legend) / height
        figure.subplots_adjust(left=0.14, right=0.97, bottom=34 / height, top=top)
        axes = figure.add_subplot()
        for index, (label, (steps, values)) in enumerate(lines.items()):
            if levels and label in levels:
                axes.axhline(levels[label], color=_colour(index), linestyle="--", linewidth=1)
            single = markers or len(steps) == 1
            axes.plot(
                steps,
                values,
                color=_colour(index),
                label=labels[index],
                marker="o" if single else None,
                markersize=3.5,
            )
        axes.set_xlabel(xlabel)
        axes.set_title(ylabel, loc="left", x=-0.13, fontsize=9)
        axes.xaxis.get_major_locator().set_params(integer=True, nbins=7)
        axes.yaxis.get_major_locator().set_params(nbins=6)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.5g}")
        if len(lines) > 1:
            figure.legend(ncols=columns, loc="upper left", bbox_to_anchor=(0.0, 1.0), fontsize=8)
        return _finished(figure, name, alt)


def points(
    name: str,
    alt: str,
    series: Mapping[str, tuple[Sequence[float] | Sequence[str], Sequence[float]]],
    xlabel: str,
    ylabel: str,
    order: Sequence[str] = (),
    log: bool = False,
) -> Markup:
    """Returns a figure of points; without Matplotlib, a note.

    Args:
      name, alt: see `curves`.
      series: label → (places, values).
      xlabel, ylabel: names of the places and values.
      order: the places from left to right, if they are texts; empty for numbers.
      log: whether the places have a logarithmic scale.
    """
    if not available():
        return _without_picture()
    at = {text: index for index, text in enumerate(order)}
    height, top = 218, 38 if len(series) > 1 else 24
    with _figure(WIDTH * _POINT, height * _POINT) as figure:
        figure.subplots_adjust(left=0.14, right=0.97, bottom=34 / height, top=1 - top / height)
        axes = figure.add_subplot()
        for index, (label, (places, values)) in enumerate(series.items()):
            numbers = [at[place] if isinstance(place, str) else place for place in places]
            colour = _colour(index)
            axes.plot(numbers, values, "o", color=colour, markersize=3.5, label=label)
        if order:
            axes.set_xticks(range(len(order)), [shortened(text)[:12] for text in order])
            axes.set_xlim(-0.5, len(order) - 0.5)
        elif log:
            _scale_by_logarithms(axes)
        axes.set_xlabel(shortened(xlabel))
        axes.set_title(ylabel, loc="left", x=-0.13, fontsize=9)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.5g}")
        if len(series) > 1:
            figure.legend(ncols=len(series), loc="upper right", fontsize=8)
        return _finished(figure, name, alt)


def _scale_by_logarithms(axes: Any) -> None:
    """Makes the places logarithmic, with plain numbers; with more of them in a short range."""
    from matplotlib.ticker import LogLocator

    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axes.xaxis.set_major_formatter(lambda place, _: f"{place:g}")
    axes.xaxis.set_minor_formatter(lambda place, _: "")


def bars(
    name: str,
    alt: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    xlabel: str,
) -> Markup:
    """Returns a figure of horizontal bars, the first label on top; without Matplotlib, a note.

    Args:
      name, alt: see `curves`.
      labels: names of the bars.
      series: label → lengths, one a bar.
      xlabel: name of the lengths.
    """
    if not available():
        return _without_picture()
    shown = [shortened(label) for label in labels]
    left = 14 + 5.2 * max(map(text_width, shown), default=0)
    height = 50 + 17 * len(labels) + 16 * (len(series) > 1)
    with _figure(WIDTH * _POINT, height * _POINT) as figure:
        top = 1 - (24 if len(series) > 1 else 6) / height
        figure.subplots_adjust(left=left / WIDTH, right=0.96, bottom=38 / height, top=top)
        axes = figure.add_subplot()
        thick = 0.76 / max(len(series), 1)
        for index, (label, lengths) in enumerate(series.items()):
            offset = (index - (len(series) - 1) / 2) * thick
            places = [place + offset for place in range(len(labels))]
            axes.barh(places, lengths, height=thick, color=_colour(index), label=label)
        axes.set_yticks(range(len(labels)), shown)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(xlabel)
        if len(series) > 1:
            figure.legend(ncols=len(series), loc="upper left", bbox_to_anchor=(left / WIDTH, 1))
        return _finished(figure, name, alt)


def text_width(text: str) -> int:
    """Returns the width of a text in narrow letters; an East Asian letter counts twice."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def shortened(text: str) -> str:
    """Returns a text as one line, cut with `…` to a width of at most `LABEL_WIDTH` letters."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if text_width(text) <= LABEL_WIDTH:
        return text
    while text_width(text) >= LABEL_WIDTH:
        text = text[:-1]
    return text + "…"


def _without_picture() -> Markup:
    return Markup('<p class="note">(picture left out: Matplotlib is not installed)</p>')


def _colour(index: int) -> str:
    return list(_COLOURS)[index % SERIES]


@contextmanager
def _figure(width: float, height: float) -> Iterator[Any]:
    """Yields an empty figure; sizes are in inches."""
    from matplotlib import style
    from matplotlib.figure import Figure

    # The browser draws the letters, with the page's fonts: Matplotlib's font may lack some.
    with style.context(["default", _STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
        yield Figure(figsize=(width, height))


def _finished(figure: Any, name: str, alt: str) -> Markup:
    written = io.StringIO()
    figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    picture = Markup(_embedded(written.getvalue(), name, alt))
    return Markup('<figure id="{}">{}</figure>\n').format(name, picture)


def _embedded(svg: str, name: str, alt: str) -> str:
    """Returns an SVG file as an element of a page: ids of its own, the page's fonts and colours."""
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in [c for c in parent if c.tag in (f"{_SVG}metadata", f"{_SVG}style")]:
            parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        if _HREF in element.attrib:
            element.set("href", element.attrib.pop(_HREF))
        for key, value in element.attrib.items():
            element.set(key, _own(key, value, name))
    size = root.get("viewBox", "0 0 1 1").split()
    root.attrib = {
        "viewBox": " ".join(size),
        "role": "img",
        "aria-label": alt,
        "style": f"max-width:{float(size[2]) * 1.75:.0f}px;stroke-linejoin:round",
    }
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def _own(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == "href":
        return value.replace("#", f"#{name}-", 1)
    value = re.sub(r"url\(#", f"url(#{name}-", value)
    for colour, variable in _COLOURS.items():
        value = value.replace(colour, variable)
    # Matplotlib writes `font: 9px 'DejaVu Sans', …`, since 3.10 in parts: only the size is kept.
    value = re.sub(r"font: ([\d.]+px)[^;]*", r"font-size: \1", value)
    return re.sub(r"font-family: [^;]*;?", "", value)
