"""Renders the report's templates with Jinja. Every value is escaped, unless it is `Markup`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

# A page loads nothing, not even from its own folder, and runs no script.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
# What HTML cannot hold even as a character reference, and halves of surrogate pairs.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Mark(NamedTuple):
    """A small label in a cell of a table; `hit` colours it as a success."""

    text: str
    hit: bool = False


Cell = str | float | bool | None | Sequence[Mark]


@dataclass(frozen=True)
class ReportTable:
    """A table of a section, shown by the macro `table`.

    Attributes:
      caption: what it shows.
      head: the columns' names.
      rows: a cell a column: text, a number, marks, or None for an empty cell.
      row_heads: how many cells, from the left, name their row.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    row_heads: int = 1

    @property
    def number_columns(self) -> set[int]:
        """Which columns, beside those that name the rows, hold numbers: their heads align right."""
        columns = range(self.row_heads, len(self.head))
        return {column for column in columns if any(is_number(row[column]) for row in self.rows)}


def whole_page(name: str, kind: str, sections: Sequence[object]) -> Markup:
    """Returns a page in one file that needs no other file.

    Args:
      name: its heading.
      kind: what it is, for the title of the window.
      sections: with the attributes `key`, `title`, `body`, and `error` where `body` is None.
    """
    return render("page.html", name=name, kind=kind, policy=POLICY, sections=sections)


def render(template: str, **values: object) -> Markup:
    """Returns a template of this package, filled with values.

    Raises:
      jinja2.UndefinedError: the template needs a value that is not given.
    """
    return Markup(environment().get_template(template).render(values))


@cache
def environment() -> Environment:
    """Returns the settings of all templates: values are escaped, a missing value is an error."""
    made = Environment(
        loader=PackageLoader("easyrec_lite.reporting"),
        autoescape=True,
        finalize=writable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["digits"] = digits
    made.filters["repr"] = repr
    made.tests["numeric"] = is_number
    return made


def writable(value: object) -> object:
    """Returns a value as HTML can show it: characters that it cannot hold become `�`."""
    if value is None:
        return ""
    return value if isinstance(value, Markup) else _UNWRITABLE.sub("\ufffd", str(value))


def digits(value: float) -> str:
    """Returns a number in four digits; a large one as a whole number.

    Example:
      >>> digits(0.123456), digits(123456.7), digits(1234)
      ('0.1235', '123,457', '1,234')
    """
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return str(value)
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def is_number(value: object) -> bool:
    """Returns whether a value is a number, which a truth value is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)
