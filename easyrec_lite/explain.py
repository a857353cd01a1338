"""Prints what a config field means: `python -m easyrec_lite.explain PATH`.

PATH is a config path (`train_config.optimizer_config.adam_optimizer.beta1`), `Message.field`,
`Message` or `Enum`; without one, the top-level fields are listed. `--counts` tells how many fields
of the schema have an effect here.
"""

from __future__ import annotations

import io
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from easyrec_lite.checks.fields import Status, status
from easyrec_lite.config.documentation import documentation
from easyrec_lite.protos.docs import (
    EnumDoc,
    EnumValueDoc,
    FieldDoc,
    MessageDoc,
    messages,
)
from easyrec_lite.runs.command_line import Parser, run

OWN_NUMBERS = 5001
MARKS = {"implemented": "", "warned": " (no effect)", "refused": " (refused)"}


def main(argv: Sequence[str]) -> int:
    """Prints the documentation of the path in `argv`.

    Raises:
      ConfigError: the schema knows no such path.
    """
    flags = _parser().parse_args(argv)
    if flags.counts:
        print("\n".join(counts()))
        return 0
    found = documentation(flags.path)
    if isinstance(sys.stdout, io.TextIOWrapper):  # comments hold Σ and the like, a terminal may not
        sys.stdout.reconfigure(errors="replace")
    print("\n".join(explain(found)))
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="python -m easyrec_lite.explain",
        description="Print what a field, message or enum of the config schema means.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "path",
        nargs="?",
        default="",
        metavar="PATH",
        help="config path such as train_config.num_steps (list indexes are ignored), "
        "Message.field, Message or Enum; none: the top-level fields",
    )
    parser.add_argument(
        "--counts",
        action="store_true",
        help="how many fields of the schema are implemented, have no effect, or are refused; "
        "and the fields of this project's own",
    )
    return parser


def counts() -> list[str]:
    """Returns the lines that count the schema's fields by status, and list those of our own."""
    fields = [field for message in messages().values() for field in message.fields.values()]
    found = Counter(status(field.message, field.name).kind for field in fields)
    ours = [field for field in fields if field.number >= OWN_NUMBERS]
    return [
        f"{len(fields)} fields in {len(messages())} messages",
        f"  implemented  {found['implemented']:>4}",
        f"  no effect    {found['warned']:>4}",
        f"  refused      {found['refused']:>4}",
        "",
        f"of them {len(ours)} are not EasyRec's (number {OWN_NUMBERS} and up):",
        *(f"  {field.full_name} = {field.number}" for field in ours),
    ]


def explain(found: FieldDoc | MessageDoc | EnumDoc) -> list[str]:
    """Returns the lines that say what a field, message or enum means."""
    if isinstance(found, FieldDoc):
        return _field_lines(found)
    if isinstance(found, EnumDoc):
        return [found.name, "", *_wrapped(found.comment), "", "values:", *_values(found.values)]
    return [found.name, "", *_wrapped(found.comment), *_fields(found)]


def _field_lines(field: FieldDoc) -> list[str]:
    lines = [
        field.path or field.full_name,
        f"  field:    {field.full_name} = {field.number}",
        f"  type:     {field.label} {field.type}",
        f"  default:  {field.default or 'none'}",
        *_status_lines(status(field.message, field.name)),
    ]
    if field.siblings:
        lines.append(f"  oneof:    {field.oneof}, with {', '.join(field.siblings)}")
    lines += ["", *_wrapped(field.comment)]
    if field.values:
        lines += ["", "values:", *_values(field.values)]
    if field.type in messages():
        message = messages()[field.type]
        lines += ["", f"{message.name}:", *_wrapped(message.comment, "  "), *_fields(message)]
    return lines


def _status_lines(decision: Status) -> Iterable[str]:
    meaning = {"warned": "no effect here", "refused": "refused"}.get(decision.kind, decision.kind)
    yield f"  status:   {meaning}" + (f": {decision.note}" if decision.note else "")
    if decision.remedy:
        yield f"  remedy:   {decision.remedy}"


def _fields(message: MessageDoc) -> Iterable[str]:
    """Yields one line a field, with the first sentence of its comment."""
    if message.fields:
        yield from ("", "fields:")
    for field in message.fields.values():
        mark = MARKS[status(field.message, field.name).kind]
        comment = field.comment.split(". ")[0].removesuffix(".")
        yield f"  {field.name}: {field.label} {field.type}{mark}  {comment}"


def _values(values: Iterable[EnumValueDoc]) -> Iterable[str]:
    for value in values:
        yield f"  {value.name} = {value.number}"
        yield from _wrapped(value.comment, "      ")


def _wrapped(text: str, indent: str = "") -> list[str]:
    width = min(shutil.get_terminal_size().columns, 100)
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent)


if __name__ == "__main__":
    sys.exit(run(main))
