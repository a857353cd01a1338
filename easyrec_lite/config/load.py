"""Loads a config by its name, with edits applied."""

from __future__ import annotations

import dataclasses
import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from easyrec_lite.config.bind import Binder, missing_required
from easyrec_lite.config.edit import apply_edits
from easyrec_lite.config.jsonform import parse_json
from easyrec_lite.config.pipeline import ConfigSource, Pipeline
from easyrec_lite.config.syntax import Locator
from easyrec_lite.config.text import parse_text
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Place, Problem, nearest
from easyrec_lite.protos import message_class

if TYPE_CHECKING:
    from easyrec_lite.protos.messages import EasyRecConfig

PACKAGE_CONFIGS = Path(__file__).parents[1] / "configs"
CHECKOUT_CONFIGS = Path(__file__).parents[2] / "configs"
MAX_BYTES = 8 << 20
MAX_SYNTAX_PROBLEMS = 20

Edits = Mapping[str, object]


def load(name: str | os.PathLike[str], edits: Edits | None = None) -> Pipeline:
    """Loads the config `name`, with `edits` applied.

    Args:
      name: a file in text format, or JSON when its name ends in `.json`; else the name of a
        config shipped with the package, with or without `.config`.
      edits: config path → value, see `easyrec_lite.config.edit`.

    Raises:
      ConfigError: there is no such file, it is not UTF-8, or it or the edits do not fit the schema;
        all problems at once.
    """
    return accept(*examine(name, edits))


def loads(text: str, file: str = "<config>", edits: Edits | None = None) -> Pipeline:
    """Loads a config from `text`; as JSON when `file` ends in `.json`.

    Raises:
      ConfigError: the text or the edits do not fit the schema; all problems at once.
    """
    return accept(*examine_text(text, file, edits))


def examine(
    name: str | os.PathLike[str], edits: Edits | None = None
) -> tuple[Pipeline | None, list[Problem]]:
    """Loads as much of config `name` as fits the schema; returns it with all problems.

    The pipeline is None when braces are unbalanced, because then no field is certain to be in its
    message.

    Raises:
      ConfigError: there is no such file, or it cannot be read as text.
    """
    path = find(name)
    return examine_text(read_text(path), str(path), edits)


def examine_text(
    text: str, file: str = "<config>", edits: Edits | None = None
) -> tuple[Pipeline | None, list[Problem]]:
    r"""Loads as much of the config in `text` as fits the schema; see `examine`.

    Example:
      >>> _, problems = examine_text("train_config {\n  num_stps: 5\n}", "my.config")
      >>> [(str(problem.place), problem.nearest) for problem in problems if problem.nearest]
      [('my.config:2:3', 'num_steps')]
    """
    config, source, problems = bind(text, file)
    if config is None:
        return None, problems
    source, edit_problems = apply_edits(config, source, edits or {})
    problems += [*edit_problems, *missing_required(config, source.positions, source.place)]
    return Pipeline(config, source, _warnings(problems)), problems


def bind(text: str, file: str) -> tuple[EasyRecConfig | None, ConfigSource, list[Problem]]:
    """Returns the message in `text`, its source, and all problems.

    The message is None when braces are unbalanced.
    """
    locator = Locator(file, text)
    json = file.endswith(".json")
    parsed = parse_json(locator) if json else parse_text(locator)
    binder = Binder(locator.place, json)
    config = message_class("EasyRecConfig")()
    binder.fill(config, parsed.root, "")
    source = ConfigSource(file, text, binder.positions)
    problems = _shortened(parsed.problems)
    if parsed.trusted_end == len(text):
        return config, source, problems + binder.problems
    limit = locator.place(max(parsed.trusted_end, 0))
    return (
        None,
        source,
        problems + [problem for problem in binder.problems if problem.place < limit],
    )


def find(name: str | os.PathLike[str]) -> Path:
    """Returns the file of config `name`: a path, else a shipped config.

    Raises:
      ConfigError: there is neither, or it is a directory.
    """
    path = Path(name)
    if fs.is_file(path):
        return path
    if fs.is_dir(path):
        raise _cannot_read(path, "it is a directory", "name a config file, such as", _names(path))
    shipped = shipped_configs()
    key = path.name.removesuffix(".config")
    if len(path.parts) == 1 and key in shipped:
        return shipped[key]
    raise _not_found(path, sorted(shipped))


def shipped_configs() -> dict[str, Path]:
    """Returns the configs shipped with the package: name without `.config` → file."""
    folder = PACKAGE_CONFIGS if fs.is_dir(PACKAGE_CONFIGS) else CHECKOUT_CONFIGS
    return {path.stem: path for path in fs.paths(folder, "*.config")}


def read_text(path: Path) -> str:
    """Returns the text of `path`, which must be UTF-8, without its byte-order mark.

    Raises:
      ConfigError: it cannot be read, is larger than `MAX_BYTES`, or is not UTF-8; names the line
        and the byte.
    """
    try:
        with fs.open_binary(path) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _cannot_read(path, error.strerror or str(error)) from error
    if len(data) > MAX_BYTES:
        raise _cannot_read(path, f"it is larger than {MAX_BYTES >> 20} MB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line_start = data.rfind(b"\n", 0, error.start) + 1
        column = len(data[line_start : error.start].decode(errors="replace")) + 1
        place = Place(str(path), data.count(b"\n", 0, error.start) + 1, column)
        raise ConfigError(
            Problem(
                f"the file is not UTF-8 text: byte 0x{data[error.start]:02x} at offset "
                f"{error.start} cannot be decoded",
                place,
                remedy="save the file as UTF-8, e.g. iconv -f GBK -t UTF-8",
            )
        ) from error


def accept(pipeline: Pipeline | None, problems: list[Problem]) -> Pipeline:
    """Returns the pipeline with the warnings of `problems`.

    Raises:
      ConfigError: some of them are errors, or there is no pipeline.
    """
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors or pipeline is None:
        raise ConfigError(errors)
    return dataclasses.replace(pipeline, warnings=_warnings(problems))


def _warnings(problems: list[Problem]) -> tuple[Problem, ...]:
    warnings = [problem for problem in problems if problem.severity == "warning"]
    return tuple(sorted(warnings, key=lambda problem: problem.place))


def _shortened(problems: list[Problem]) -> list[Problem]:
    if len(problems) <= MAX_SYNTAX_PROBLEMS:
        return list(problems)
    first, rest = problems[:MAX_SYNTAX_PROBLEMS], problems[MAX_SYNTAX_PROBLEMS:]
    note = f"{len(rest)} more syntax errors follow"
    return [*first, Problem(note, rest[0].place, remedy="check that this file is a config")]


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in fs.paths(folder) if fs.is_file(entry)]
    except OSError:
        return []


def _cannot_read(path: Path, why: str, hint: str = "", names: Sequence[str] = ()) -> ConfigError:
    configs = [name for name in names if name.endswith((".config", ".json", ".textproto"))]
    remedy = f"{hint} {', '.join(configs[:10])}" if configs else ""
    return ConfigError(Problem(f"cannot read the config: {why}", Place(str(path)), remedy=remedy))


def _not_found(path: Path, shipped: list[str]) -> ConfigError:
    close = difflib.get_close_matches(path.name, _names(path.parent), n=3)
    nearby = [str(path.with_name(name)) for name in close]
    return ConfigError(
        Problem(
            "there is no such config file",
            Place(str(path)),
            expected="a file, or a config shipped with the package: " + ", ".join(shipped),
            found=f"no file {path.absolute()}",
            nearest=", ".join(nearby) or nearest(path.name.removesuffix(".config"), shipped),
        )
    )
