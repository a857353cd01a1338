"""Recommendations to the users of a file, or to users written as JSON, printed or written."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from easyrec_lite.checks.columns import input_fields
from easyrec_lite.checks.list_text import ListText, served_columns
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.files import atomic_file
from easyrec_lite.serving.recommendations import RecommendationOptions, Recommendations
from easyrec_lite.serving.users import User, UserColumns
from easyrec_lite.serving.writers import TextDialect, open_writer


def recommend_to_file(
    pipeline: Pipeline,
    export: Path,
    options: RecommendationOptions,
    path: str,
    output: Path | None,
    dialect: TextDialect,
) -> None:
    """Recommends to each user of a file.

    Args:
      pipeline: the config.
      export: an export, or a model folder.
      options: what to recommend.
      path: files, in the config's input format.
      output: a `.parquet` file, or delimited text; None prints.
      dialect: how delimited text is written.

    Raises:
      ConfigError: no export, or a column that does not exist.
      DataError: the file cannot be read, or the export is damaged.
    """
    recommendations = Recommendations(export, options)
    _give(
        recommendations,
        recommendations.of_file(pipeline, path, str(output or "")),
        output,
        dialect,
    )


def recommend_to_users(
    pipeline: Pipeline,
    export: Path,
    options: RecommendationOptions,
    users: str,
    output: Path | None,
    dialect: TextDialect,
) -> None:
    """Recommends to users written as JSON, one object or a list; as `recommend_to_file`."""
    recommendations = Recommendations(export, options)
    parsed = _parsed(users, pipeline, recommendations.columns, options.fill_missing)
    _give(recommendations, recommendations.of_users(parsed), output, dialect)


def _parsed(text: str, pipeline: Pipeline, read: Sequence[str], fill: bool) -> list[User]:
    """The users in JSON, after printing what was assumed about them."""
    fields, served = input_fields(pipeline), served_columns(View(pipeline))
    columns = UserColumns(
        [field for field in fields if field.name in read],
        [field.name for field in fields if field.name not in read],
        served.lists,
        ListText(served.separators),
        served.texts,
        fill,
    )
    users = columns.parse(text)
    for number, user in enumerate(users, 1):
        for note in user.notes:
            print(f"user {number}: {note}", file=sys.stderr)
    return users


def _give(
    recommendations: Recommendations,
    tables: Iterator[pa.Table],
    output: Path | None,
    dialect: TextDialect,
) -> None:
    if output is None:
        for table in tables:
            with pd.option_context("display.unicode.east_asian_width", True):
                print(table.to_pandas().to_string(index=False))
    else:
        count = 0
        with atomic_file(output) as aside, open_writer(aside, output, dialect) as writer:
            for table in tables:
                writer.write(table)
                count += table.num_rows
        print(f"{count} recommendations written to {output}")
    for note in recommendations.notes():
        print(note, file=sys.stderr)
