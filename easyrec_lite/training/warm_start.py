"""Initial weights from another run: `fine_tune_checkpoint` and its variable map."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence

import tensorflow as tf

from easyrec_lite.checks.fingerprint import changed_meaning, fingerprint
from easyrec_lite.config import Pipeline
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Place, Problem, nearest
from easyrec_lite.training.checkpoint_files import find_checkpoint
from easyrec_lite.training.checkpoint_reading import (
    read_variables,
    stored_fingerprint,
    variable_shapes,
)
from easyrec_lite.training.checkpoints import refuse_changed
from easyrec_lite.training.patterns import matching

log = logging.getLogger(__name__)


def warm_start(pipeline: Pipeline, variables: Mapping[str, tf.Variable]) -> list[str]:
    """Loads `variables` from `train_config.fine_tune_checkpoint`; logs those that it lacks.

    `fine_tune_ckpt_var_map` is a text file of pairs, one a line: the name here and the name in the
    checkpoint, separated by white space. Other variables are looked up by their own names.
    Variables that match one of `model_config.restore_filters` keep their initial values.

    Args:
      pipeline: the config.
      variables: name → model variable (no optimiser state).

    Returns:
      The names of the variables that were loaded.

    Raises:
      ConfigError: there is no such checkpoint or map, a line is wrong, or no variable fits.
      RunError: the checkpoint is damaged.
    """
    config = pipeline.config.train_config
    prefix = find_checkpoint(config.fine_tune_checkpoint)
    stored = variable_shapes(prefix)
    names = _name_map(pipeline, config.fine_tune_ckpt_var_map, variables, stored)
    left_out = matching(variables, list(pipeline.config.model_config.restore_filters))
    chosen: dict[str, str] = {}
    for name, variable in variables.items():
        if name in left_out:
            continue
        source = names.get(name, name)
        if source not in stored:
            log.warning("fine_tune_checkpoint has no %r: %r keeps its initial value", source, name)
        elif stored[source] != tuple(variable.shape):
            log.warning(
                "fine_tune_checkpoint has %r in shape %s, but it is %s here: it keeps its value",
                source,
                stored[source],
                tuple(variable.shape),
            )
        else:
            chosen[name] = source
    _refuse_changed_ids(pipeline, prefix, chosen)
    if not chosen:
        raise ConfigError(_nothing_fits(pipeline, prefix, variables, stored))
    values = read_variables(prefix, list(chosen.values()))
    for name, source in chosen.items():
        variables[name].assign(tf.cast(values[source], variables[name].dtype))
    log.info("loaded %d of %d variables from %s", len(chosen), len(variables), prefix)
    return list(chosen)


def _refuse_changed_ids(pipeline: Pipeline, prefix: str, chosen: Collection[str]) -> None:
    """Refuses weights of features and groups of both configs that mean something else in this one.

    Raises:
      ConfigError: there are such weights, and the config does not accept them.
    """
    stored = stored_fingerprint(prefix)
    if stored and chosen:
        current = fingerprint(pipeline)
        refuse_changed(changed_meaning(stored, current, prefix, common=True), pipeline)


def _name_map(
    pipeline: Pipeline,
    path: str,
    variables: Mapping[str, tf.Variable],
    stored: Mapping[str, object],
) -> dict[str, str]:
    if not path:
        return {}
    place = pipeline.place("train_config.fine_tune_ckpt_var_map")
    if not fs.is_file(path):
        raise ConfigError(Problem("no such file", place, found=path))
    names: dict[str, str] = {}
    problems: list[Problem] = []
    for number, line in enumerate(fs.read_text(path).splitlines(), 1):
        words = line.split()
        if not words:
            continue
        here = Place(path, number)
        if len(words) != 2:
            problems.append(_bad_line(here, line))
        else:
            problems += _unknown(here, words[0], variables, "the model")
            problems += _unknown(here, words[1], stored, "the checkpoint")
            names[words[0]] = words[1]
    if problems:
        raise ConfigError(problems)
    return names


def _bad_line(place: Place, line: str) -> Problem:
    return Problem(
        "a line of the variable map is not a pair of names",
        place,
        expected="NAME_HERE NAME_IN_THE_CHECKPOINT",
        found=repr(line),
    )


def _unknown(place: Place, name: str, known: Mapping[str, object], where: str) -> Sequence[Problem]:
    if name in known:
        return []
    return [Problem(f"{where} has no variable {name!r}", place, nearest=nearest(name, known))]


def _nothing_fits(
    pipeline: Pipeline, prefix: str, variables: Mapping[str, object], stored: Mapping[str, object]
) -> Problem:
    return Problem(
        "no variable of the model is in the checkpoint",
        pipeline.place("train_config.fine_tune_checkpoint"),
        path="train_config.fine_tune_checkpoint",
        expected="names such as " + ", ".join(sorted(variables)[:3]),
        found=f"{prefix} has names such as " + ", ".join(sorted(stored)[:3]),
        remedy="give train_config.fine_tune_ckpt_var_map a file that pairs the names",
    )
