"""HTML made from elements: every text is escaped, because only elements make markup."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Sequence

# What HTML cannot hold even as a character reference, and halves of surrogate pairs.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_VOID = {"meta", "link", "br", "hr"}


class Html(str):
    """Text that is markup already; anything else is escaped where it is put into an element."""


Child = str | int | None
Attribute = str | int | float | bool | None


def escaped(text: object) -> Html:
    """Returns a text as markup that shows it; characters that HTML cannot hold become `�`."""
    if isinstance(text, Html):
        return text
    return Html(html.escape(_UNWRITABLE.sub("\ufffd", str(text))))


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """Returns an element.

    Args:
      name: of the element.
      children: markup (`Html`), or text to be escaped; None is left out.
      attributes: `class_`, `aria_label`, … for `class`, `aria-label`; True for a bare one, None
        for none.
    """
    given = "".join(
        f" {_attribute(key)}" + ("" if value is True else f'="{escaped(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{given}>")
    inner = "".join(escaped(child) for child in children if child is not None)
    return Html(f"<{name}{given}>{inner}</{name}>")


def joined(parts: Iterable[Child], between: str = "") -> Html:
    """Returns markup or texts one after the other."""
    return Html(escaped(between).join(escaped(part) for part in parts))


def number(value: float) -> Html:
    """Returns a number in four digits; the `value` of its element has all of them."""
    if isinstance(value, int):
        shown = f"{value:,}"
    elif not math.isfinite(value):
        shown = str(value)
    else:
        shown = f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return tag("data", shown, value=repr(value))


def cell(value: object) -> Html:
    """Returns a number as `number`, nothing for None, anything else as text."""
    if value is None:
        return Html("")
    plain = isinstance(value, bool) or not isinstance(value, int | float)
    return escaped(value) if plain else number(value)  # type: ignore[arg-type]


def table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[object]], row_heads: int = 1
) -> Html:
    """Returns a table that scrolls by itself where it is too wide, by keyboard too.

    Args:
      caption: what it shows.
      head: the columns' names.
      rows: cells: markup, texts, numbers or None.
      row_heads: how many cells name their row, from the left.
    """
    listed = list(rows)
    numeric = [any(_numeric(row[column]) for row in listed) for column in range(len(head))]
    body = [
        tag(
            "tr",
            *(
                tag("th", cell(value), scope="row")
                if column < row_heads
                else tag("td", cell(value), class_="number" if _numeric(value) else None)
                for column, value in enumerate(row)
            ),
        )
        for row in listed
    ]
    columns = (
        tag("th", name, scope="col", class_="number" if column >= row_heads and right else None)
        for column, (name, right) in enumerate(zip(head, numeric, strict=True))
    )
    names = tag("thead", tag("tr", *columns))
    made = tag("table", tag("caption", caption), names, tag("tbody", *body))
    return tag("div", made, class_="scroll", role="region", aria_label=caption, tabindex=0)


def details(summary: str, *children: Child) -> Html:
    """Returns what is folded away under `summary`."""
    return tag("details", tag("summary", summary), *children)


def note(*children: Child) -> Html:
    """Returns a remark."""
    return tag("p", *children, class_="note")


def problem(*children: Child) -> Html:
    """Returns a remark on something that went wrong."""
    return tag("p", *children, class_="note problem")


def code(text: str) -> Html:
    """Returns something to type."""
    return tag("code", text)


def _numeric(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
