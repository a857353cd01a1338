"""The picture of a backbone as a PNG, in the layout of the SVG."""

from __future__ import annotations

from pathlib import Path

from easyrec_lite.config.source import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.models.backbone.draw import Node, nodes
from easyrec_lite.models.backbone.svg import (
    BLOCK,
    GROUP,
    HEIGHT,
    WIDTH,
    arrows,
    extent,
    layout,
    lines_of,
    short,
)

SCALE = 2


def draw_png(pipeline: Pipeline, path: Path) -> None:
    """Writes the backbone of a config as a PNG file.

    Raises:
      ConfigError: there is no backbone, it cannot be built, or Pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        remedy = "pip install 'easyrec_lite[png]', or ask for a .svg file"
        raise ConfigError(Problem("a PNG picture needs Pillow", remedy=remedy)) from error
    found = nodes(pipeline)
    corners = layout(found)
    width, height = extent(corners)
    image = Image.new("RGB", (SCALE * width, SCALE * height), "white")
    pen = ImageDraw.Draw(image)
    fonts = [ImageFont.load_default(SCALE * size) for size in (13, 11, 11)]
    for (from_x, from_y), (to_x, to_y) in arrows(found, corners):
        ends = [(from_x + WIDTH, from_y + HEIGHT // 2), (to_x, to_y + HEIGHT // 2)]
        pen.line([(SCALE * x, SCALE * y) for x, y in ends], fill="#888888", width=SCALE)
    for node in found:
        _box(pen, fonts, node, *corners[node.name])
    image.save(path, "PNG")


def _box(pen, fonts, node: Node, x: int, y: int) -> None:  # type: ignore[no-untyped-def]
    fill = GROUP if node.name.startswith("@") else BLOCK
    edges = [SCALE * edge for edge in (x, y, x + WIDTH, y + HEIGHT)]
    pen.rounded_rectangle(edges, 6 * SCALE, fill=fill, outline="#555566", width=SCALE)
    for i, line in enumerate(lines_of(node)):
        place = (SCALE * (x + 8), SCALE * (y + 5 + 16 * i))
        pen.text(place, short(line).replace("×", "x"), fill="black", font=fonts[i])
