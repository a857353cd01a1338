"""A report, read back as a reader of HTML sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img"}


@dataclass
class Node:
    name: str
    attributes: dict[str, str | None]
    children: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    def all(self, name: str) -> list[Node]:
        """Returns the elements of that name below, in order."""
        found = []
        for child in self.children:
            if isinstance(child, Node):
                found += [child] * (child.name == name) + child.all(name)
        return found

    def everything(self) -> list[Node]:
        below = [c for c in self.children if isinstance(c, Node)]
        return [node for child in below for node in [child, *child.everything()]]


class Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs))
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(text: str) -> Node:
    """Returns the tree of a page in which every element is closed in order."""
    builder = Builder()
    builder.feed(text)
    builder.close()
    assert len(builder.open) == 1
    return builder.root


def section(page: Node, key: str) -> Node:
    (found,) = (node for node in page.all("section") if node.attributes.get("id") == key)
    return found


def tables(node: Node) -> dict[str, list[dict[str, object]]]:
    """Returns caption → rows, column → exact number, or text."""
    found = {}
    for table in node.all("table"):
        (caption,) = table.all("caption")
        head, *rows = table.all("tr")
        names = [cell.text for cell in head.all("th")]
        found[caption.text] = [
            dict(zip(names, map(value, cells(row)), strict=True)) for row in rows
        ]
    return found


def cells(row: Node) -> list[Node]:
    return [child for child in row.children if isinstance(child, Node)]


def value(cell: Node) -> object:
    data = cell.all("data")
    return float(data[0].attributes["value"] or "") if data else cell.text
