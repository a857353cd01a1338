"""The settings that a config has by itself: the first trial, which the others are compared with."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.config import Pipeline, load
from easyrec_lite.config.bind import Binder
from easyrec_lite.config.differences import differences
from easyrec_lite.config.edit import Edit
from easyrec_lite.config.paths import EDIT, parse_path
from easyrec_lite.config.values import is_repeated
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.tuning.checking import Edits
from easyrec_lite.tuning.space import Choice, Parameter, Space


def own_settings(
    pipeline: Pipeline, config: str, edits: Edits, space: Space
) -> dict[str, object] | None:
    """Returns path → stored value of the settings that leave a config as it is.

    Args:
      pipeline: the config, loaded.
      config: its name or file.
      edits: its edits.
      space: the parameters.

    Returns:
      The settings; None if the space does not have them.
    """
    found = {}
    for each in space:
        for stored in _candidates(pipeline, each):
            edited = load(config, {**edits, each.path: each.edit(stored)}).config
            if next(differences(pipeline.config, edited), None) is None:
                found[each.path] = stored
                break
    return found if len(found) == len(space) else None


def _candidates(pipeline: Pipeline, parameter: Parameter) -> Iterator[object]:
    """Yields values of a parameter that the config may have: all of a choice, else its own."""
    if isinstance(parameter, Choice):
        yield from parameter.values
        return
    try:
        edit = Edit(parameter.path, Binder(lambda offset: EDIT, json=True))
        values = [
            value
            for field, value in edit.read(pipeline.config, parse_path(parameter.path), "")
            if not is_repeated(field)
        ]
    except ConfigError:  # the path ends inside a Struct
        return
    for value in values[:1]:
        # A float of 32 bits as it is written, which may be an end of the range.
        number = float(f"{value:.7g}") if isinstance(value, float) else value
        if parameter.has(number):
            yield number
