"""A backbone as an SVG picture: columns from left to right, each block right of what it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from easyrec_lite.config.source import Pipeline
from easyrec_lite.models.backbone.draw import Node, nodes

WIDTH, HEIGHT = 210, 56
GAP_X, GAP_Y = 70, 18
MARGIN = 20
_LETTERS = 30
GROUP, BLOCK = "#e3efe3", "#e6ebf5"


def draw_svg(pipeline: Pipeline) -> str:
    """Returns the backbone of a config as an SVG document.

    Raises:
      ConfigError: there is no backbone, or it cannot be built.
    """
    found = nodes(pipeline)
    corners = layout(found)
    edges = [_edge(*ends) for ends in arrows(found, corners)]
    boxes = [_box(node, corners[node.name]) for node in found]
    width, height = extent(corners)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">',
            f'<rect width="{width}" height="{height}" fill="white"/>',
            *edges,
            *boxes,
            "</svg>\n",
        ]
    )


def arrows(
    found: Sequence[Node], corners: dict[str, tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yields the corners of the boxes at both ends of each arrow."""
    for node in found:
        for name in node.reads:
            if name in corners:
                yield corners[name], corners[node.name]


def extent(corners: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """Returns width and height of the picture."""
    width = max(x for x, _ in corners.values()) + WIDTH + MARGIN
    return width, max(y for _, y in corners.values()) + HEIGHT + MARGIN


def lines_of(node: Node) -> tuple[str, str, str]:
    """Returns what stands in a node's box: name, what it does, shape and weights."""
    weights = f", {node.parameters:,} weights" if node.parameters else ""
    return node.name.removeprefix("@"), node.does, node.shape + weights


def layout(found: Sequence[Node]) -> dict[str, tuple[int, int]]:
    """Returns the upper left corner of each node's box; no two boxes overlap.

    A node stands one column right of the last node that it reads; in its column, nodes are sorted
    by the mean height of what they read.
    """
    columns: dict[int, list[Node]] = {}
    depth: dict[str, int] = {}
    for node in found:
        depth[node.name] = 1 + max((depth.get(name, -1) for name in node.reads), default=-1)
        columns.setdefault(depth[node.name], []).append(node)
    corners: dict[str, tuple[int, int]] = {}
    for column in sorted(columns):
        x = MARGIN + column * (WIDTH + GAP_X)
        y = MARGIN
        wanted = [(_wanted_height(node, corners, y), node) for node in columns[column]]
        for height, node in sorted(wanted, key=lambda pair: pair[0]):
            y = max(y, height)
            corners[node.name] = (x, y)
            y += HEIGHT + GAP_Y
    return corners


def _wanted_height(node: Node, corners: dict[str, tuple[int, int]], top: int) -> int:
    heights = [corners[name][1] for name in node.reads if name in corners]
    return sum(heights) // len(heights) if heights else top


def _edge(start: tuple[int, int], end: tuple[int, int]) -> str:
    x, y = start[0] + WIDTH, start[1] + HEIGHT // 2
    to_x, to_y = end[0], end[1] + HEIGHT // 2
    bend = (x + to_x) // 2
    return f'<path d="M{x},{y} C{bend},{y} {bend},{to_y} {to_x},{to_y}" fill="none" stroke="#888"/>'


def _box(node: Node, corner: tuple[int, int]) -> str:
    x, y = corner
    lines = lines_of(node)
    fill = GROUP if node.name.startswith("@") else BLOCK
    texts = [
        f'<text x="{x + 8}" y="{y + 17 + 16 * i}" font-size="{13 if i == 0 else 11}">'
        f"{escape(short(line))}</text>"
        for i, line in enumerate(lines)
    ]
    title = f"<title>{escape(' | '.join(lines))}</title>"
    shape = f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill={quoteattr(fill)} stroke="#556"/>'  # noqa: E501
    return "\n".join(["<g>", title, shape, *texts, "</g>"])


def short(text: str) -> str:
    """Returns a text cut to the width of a box."""
    return text if len(text) <= _LETTERS else text[: _LETTERS - 1] + "…"
