"""Everything that can be said against a config before any data is read."""

from __future__ import annotations

import os

from easyrec_lite.checks import fields
from easyrec_lite.checks.rules import (
    attention,
    data,
    export,
    features,
    full_ranking,
    groups,
    keras_names,
    losses,
    machine,
    metrics,
    model,
    sampler,
    train,
)
from easyrec_lite.checks.view import View
from easyrec_lite.config.load import Edits, accept, examine
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core.errors import Problem

# Concerns of any config, and those that ask what the model, its losses and its sides are: without
# a known model and known losses they would only repeat that something is unknown.
CONCERNS = (data, features, groups, attention, train, keras_names, machine)
MODEL_CLASS = "model_config.model_class"
OF_LOSSES = (losses, sampler, metrics, full_ranking, export)


def check(pipeline: Pipeline) -> list[Problem]:
    """Returns all problems of a config, errors and warnings, in file order.

    Reads no data and imports no TensorFlow.
    """
    view = View(pipeline)
    found = [*pipeline.warnings, *fields.walk(pipeline)]
    for concern in (*CONCERNS, model):
        for rule in concern.RULES:
            found += rule(view)
    if view.spec is None:
        found = [problem for problem in found if not _follows(problem)]
    else:
        found += _of_losses(view)
    return sorted(dict.fromkeys(found), key=lambda problem: problem.place)


def _of_losses(view: View) -> list[Problem]:
    """Returns what is wrong with the losses, and with what depends on them if they are known."""
    found = list(losses.known(view))
    if all(view.loss_spec(loss) for loss in view.losses):
        for concern in OF_LOSSES:
            for rule in concern.RULES:
                found += rule(view)
    return found


def _follows(problem: Problem) -> bool:
    """Returns whether a problem may only follow from a model that is not offered.

    A feature that a group names, and that there is not, is missing for any model.
    """
    of_model = problem.path.startswith("model_config.") and problem.path != MODEL_CLASS
    return of_model and ".feature_names[" not in problem.path


def checked(pipeline: Pipeline) -> Pipeline:
    """Returns a loaded config with the warnings of checking it.

    Raises:
      ConfigError: checking finds errors; all of them.
    """
    return accept(pipeline, check(pipeline))


def load_config(name: str | os.PathLike[str], edits: Edits | None = None) -> Pipeline:
    """Loads the config `name` and checks what it means.

    Args:
      name: a file (text format, or JSON if it ends in `.json`), or a config of the package.
      edits: config path → value, as of `--edit_config_json`.

    Returns:
      The config, with the warnings of loading and of checking.

    Raises:
      ConfigError: all errors of loading and of checking at once.

    Example:
      >>> pipeline = load_config("dssm_on_taobao.config", {"train_config.num_steps": 100})
      >>> pipeline.config.train_config.num_steps
      100
    """
    return accept(*examine_and_check(name, edits))


def check_config(name: str | os.PathLike[str], edits: Edits | None = None) -> list[Problem]:
    """Returns all problems of the config `name`, errors and warnings, in file order.

    Args:
      name: as of `load_config`.
      edits: as of `load_config`.

    Raises:
      ConfigError: the file does not exist or is not text.

    Example:
      >>> problem = check_config("dssm_on_taobao.config", {"train_config.num_stps": 100})[0]
      >>> problem.severity, problem.path, problem.nearest
      ('error', 'train_config.num_stps', 'num_steps')
    """
    return examine_and_check(name, edits)[1]


def examine_and_check(
    name: str | os.PathLike[str], edits: Edits | None = None
) -> tuple[Pipeline | None, list[Problem]]:
    """Returns what can be loaded of a config, None if nothing can, and all its problems.

    Raises:
      ConfigError: the file does not exist or is not text.
    """
    pipeline, problems = examine(name, edits)
    if pipeline is not None:
        problems = [*problems, *check(pipeline)]
    return pipeline, sorted(dict.fromkeys(problems), key=lambda problem: problem.place)
