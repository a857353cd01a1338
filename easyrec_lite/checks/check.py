"""Everything that can be said against a config before any data is read."""

from __future__ import annotations

import os

from easyrec_lite.checks import fields
from easyrec_lite.checks.rules import (
    backbone,
    code,
    data,
    export,
    feature_options,
    features,
    full_ranking,
    groups,
    losses,
    metrics,
    model,
    sampler,
    softmax,
    towers,
    train,
)
from easyrec_lite.checks.view import View
from easyrec_lite.config.load import Edits, accept, examine
from easyrec_lite.config.source import Pipeline
from easyrec_lite.core.errors import Problem

CONCERNS = (
    data,
    features,
    feature_options,
    groups,
    model,
    backbone,
    towers,
    losses,
    sampler,
    softmax,
    train,
    metrics,
    full_ranking,
    export,
    code,
)


def check(pipeline: Pipeline) -> list[Problem]:
    """Returns all problems of a config, errors and warnings, in file order.

    Reads no data and imports no TensorFlow.
    """
    view = View(pipeline)
    found = [*pipeline.warnings, *fields.walk(pipeline)]
    for concern in CONCERNS:
        for rule in concern.RULES:
            found += rule(view)
    return sorted(dict.fromkeys(found), key=lambda problem: problem.place)


def load_checked(name: str | os.PathLike[str], edits: Edits | None = None) -> Pipeline:
    """Loads the config `name` and checks what it means; the warnings of both are in the result.

    Raises:
      ConfigError: all errors of loading and of checking at once.
    """
    pipeline, problems = examine(name, edits)
    return accept(pipeline, [*dict.fromkeys(problems + (check(pipeline) if pipeline else []))])
