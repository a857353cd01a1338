"""A backbone as a table, as text for Graphviz (DOT) or Mermaid, or as a picture by Graphviz.

user → user_senet → user_dnn      a box a node: name, what it does, shape, parameters;
item → item_senet → item_dnn      the nodes of a tower stand in a frame of its name.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from easyrec_lite.core.errors import ConfigError, Place, Problem
from easyrec_lite.core.files import atomic_write

PICTURES = (".svg", ".png")
LETTERS = 50
FLAG = Place("--graph")
GROUP, BLOCK, LINE = "#e3efe3", "#e6ebf5", "#888888"
# Characters that a Mermaid label writes by their numbers.
_ENTITIES = {ord(letter): f"#{ord(letter)};" for letter in '#"<>&\\'}


class Node(NamedTuple):
    """One thing in the drawing.

    Attributes:
      name: feature group, `block` or `package/block`; names of groups begin with `@`.
      does: what it does, e.g. `MLP`.
      reads: the nodes that it reads, in order.
      shape: shape of its result, e.g. `[B, 32]`.
      parameters: how many numbers it learns; a shared table counts for the first group with it.
      tower: `user` or `item` when it depends only on groups of that tower, else ''.
    """

    name: str
    does: str
    reads: tuple[str, ...]
    shape: str
    parameters: int
    tower: str = ""

    @property
    def is_group(self) -> bool:
        """Whether it is a feature group."""
        return self.name.startswith("@")


def table(nodes: Sequence[Node]) -> str:
    """Returns a line for each node, and the sum of the parameters."""
    rows = [("block", "does", "reads", "shape", "parameters")]
    for node in nodes:
        reads = ", ".join(node.reads)
        rows.append((node.name, node.does, reads, node.shape, f"{node.parameters:,}"))
    rows.append(("", "", "", "", f"{sum(node.parameters for node in nodes):,}"))
    *widths, last = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = [
        "  ".join([*map(str.ljust, row[:-1], widths), row[-1].rjust(last + 2)]).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, ""])


def dot(nodes: Sequence[Node]) -> str:
    """Returns the diagram in Graphviz's DOT language.

    Args:
      nodes: each after the nodes that it reads.
    """
    lines = [
        "digraph backbone {",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=11];',
        f'  edge [color="{LINE}"];',
        f'  graph [fontname="sans-serif", color="{LINE}", style=rounded];',
    ]
    for tower, members in _by_tower(nodes):
        if tower:
            lines += [f"  subgraph cluster_{tower} {{", f'    label="{tower} tower";']
        for node in members:
            label = _quoted("\n".join(map(_short, _lines(node))))
            fill = GROUP if node.is_group else BLOCK
            tooltip = _quoted(" | ".join(_lines(node)))
            name = _quoted(node.name)
            lines.append(f'    {name} [label={label}, fillcolor="{fill}", tooltip={tooltip}];')
        if tower:
            lines.append("  }")
    lines += [f"  {_quoted(start)} -> {_quoted(end)};" for start, end in _arrows(nodes)]
    return "\n".join([*lines, "}", ""])


def mermaid(nodes: Sequence[Node]) -> str:
    """Returns the diagram as a Mermaid flowchart.

    Args:
      nodes: each after the nodes that it reads.

    Example:
      >>> nodes = [Node("@user", "feature group", (), "[B, 8]", 80, "user")]
      >>> print(mermaid([*nodes, Node("mlp", "MLP", ("@user",), "[B, 4]", 36, "user")]))
      flowchart LR
        subgraph user_tower["user tower"]
          direction LR
          n0("user<br>feature group<br>[B, 8], 80 parameters"):::feature_group
          n1("mlp<br>MLP<br>[B, 4], 36 parameters"):::feature_block
        end
        n0 --> n1
        classDef feature_group fill:#e3efe3,stroke:#888888,color:#000
        classDef feature_block fill:#e6ebf5,stroke:#888888,color:#000
      <BLANKLINE>
    """
    ids = {node.name: f"n{index}" for index, node in enumerate(nodes)}
    lines = ["flowchart LR"]
    for tower, members in _by_tower(nodes):
        if tower:
            lines += [f'  subgraph {tower}_tower["{tower} tower"]', "    direction LR"]
        for node in members:
            label = "<br>".join(_short(line).translate(_ENTITIES) for line in _lines(node))
            kind = "group" if node.is_group else "block"
            lines.append(f'    {ids[node.name]}("{label}"):::feature_{kind}')
        if tower:
            lines.append("  end")
    lines += [f"  {ids[start]} --> {ids[end]}" for start, end in _arrows(nodes)]
    for kind, fill in (("group", GROUP), ("block", BLOCK)):
        lines.append(f"  classDef feature_{kind} fill:{fill},stroke:{LINE},color:#000")
    return "\n".join([*lines, ""])


TEXTS: Mapping[str, Callable[[Sequence[Node]], str]] = {".dot": dot, ".mmd": mermaid}
ENDINGS = (*TEXTS, *PICTURES)


def require_format(path: str) -> None:
    """Refuses a file that `write_diagram` could not write.

    Raises:
      ConfigError: the ending is unknown; or it is a picture's, and Graphviz is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in ENDINGS:
        expected = f"a file ending in {', '.join(ENDINGS)}"
        raise ConfigError(Problem("unknown kind of drawing", FLAG, expected=expected, found=path))
    if suffix in PICTURES and shutil.which("dot") is None:
        text = Path(path).with_suffix(".dot")
        raise ConfigError(
            Problem(
                f"a {suffix} drawing needs Graphviz's program dot, which is not installed",
                FLAG,
                found=path,
                remedy=f"install graphviz (apt-get install graphviz); or write --graph {text}, and "
                f"where Graphviz is: dot -T{suffix[1:]} {text} -o {path}",
            )
        )


def write_diagram(nodes: Sequence[Node], path: str) -> None:
    """Writes the diagram to a file, in the format that its ending names.

    Args:
      nodes: each after the nodes that it reads.
      path: ends in one of `ENDINGS`.

    Raises:
      ConfigError: another ending; no Graphviz; or Graphviz fails.
      RunError: the file cannot be written.
    """
    require_format(path)
    suffix = Path(path).suffix.lower()
    if suffix in TEXTS:
        atomic_write(path, TEXTS[suffix](nodes))
        return
    command = ["dot", f"-T{suffix[1:]}"]
    result = subprocess.run(command, input=dot(nodes).encode(), capture_output=True, check=False)
    if result.returncode:
        message = f"{' '.join(command)} failed: {result.stderr.decode(errors='replace').strip()}"
        raise ConfigError(
            Problem(message, FLAG, remedy="write a .dot file and run dot on it yourself")
        )
    atomic_write(path, result.stdout)


def _by_tower(nodes: Sequence[Node]) -> Iterator[tuple[str, list[Node]]]:
    """Yields tower → its nodes; '' for nodes of no tower, or of both."""
    for tower in ("user", "item", ""):
        members = [node for node in nodes if node.tower == tower]
        if members:
            yield tower, members


def _arrows(nodes: Sequence[Node]) -> Iterator[tuple[str, str]]:
    """Yields the ends of each arrow; what is no node, such as a package's input, has none."""
    names = {node.name for node in nodes}
    for node in nodes:
        yield from ((name, node.name) for name in node.reads if name in names)


def _lines(node: Node) -> list[str]:
    parameters = f", {node.parameters:,} parameters" if node.parameters else ""
    return [node.name.removeprefix("@"), node.does, node.shape + parameters]


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"


def _quoted(text: str) -> str:
    """Returns a text as a quoted DOT string, its line breaks as `\\n`."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
