"""The tables that training and evaluation read beside the rows, and whether the rows fit them."""

from __future__ import annotations

from easyrec_lite.checks.item_id import item_columns, item_features, item_table
from easyrec_lite.checks.rules.full_ranking import asked
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.config.data_paths import eval_path, train_path
from easyrec_lite.core.errors import Problem, ProblemError
from easyrec_lite.data.samplers.open import open_sampler
from easyrec_lite.data.samplers.sampler import Sampler
from easyrec_lite.data.tables.item_rows import load_items
from easyrec_lite.features.transform import FeatureTransform
from easyrec_lite.training.first_rows import first_row_problems, ranked_join_problem


def table_problems(pipeline: Pipeline, rows: int) -> list[Problem]:
    """Returns what is wrong with a config's tables, as `train` reads them, and with ids of rows.

    Args:
      pipeline: a config without errors, whose first rows are good.
      rows: how many rows of the training and of the evaluation data to read.
    """
    view, transform = View(pipeline), FeatureTransform(pipeline)
    problems: list[Problem] = []
    try:
        sampler = _sampler(view, transform) if view.samples else None
        for path, training in ((train_path(pipeline), True), (eval_path(pipeline), False)):
            if path:
                problems += first_row_problems(
                    pipeline, path, transform, sampler, rows=rows, required=training
                )
        if asked(view):
            problems += _ranking(view, transform, rows)
    except ProblemError as error:
        problems += error.problems
    return list(dict.fromkeys(problems))


def _item_features(view: View) -> list[str]:
    """Returns the names of the features of items."""
    groups = (view.read_features(group) for group in view.sides.item)
    return list(dict.fromkeys(feature.name for features in groups for feature in features))


def _sampler(view: View, transform: FeatureTransform) -> Sampler | None:
    names = list(item_features(view))
    return open_sampler(
        view.pipeline,
        lambda columns: transform(columns, names),
        training=True,
        seed=0,
        cells=transform.expectations,
    )


def _ranking(view: View, transform: FeatureTransform, rows: int) -> list[Problem]:
    table = view.config.eval_config.full_ranking.item_path or item_table(view.config)
    items = load_items(view.pipeline, table, item_columns(view), transform.expectations)
    seen = view.config.eval_config.full_ranking.seen_path or train_path(view.pipeline)
    problems = [
        ranked_join_problem(view.pipeline, path, items.ids, table, rows)
        for path in dict.fromkeys(filter(None, (eval_path(view.pipeline), seen)))
    ]
    return [problem for problem in problems if problem]
