"""Which variable of EasyRec's is which of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

Arrays = Mapping[str, np.ndarray]


class Lookup(NamedTuple):
    """Ids [R] of a feature ([R, L] of a tag; −1: no value) and their vectors [R, D]."""

    ids: np.ndarray
    vectors: np.ndarray


TABLE = re.compile(r"(input_layer(?:_\d+)?)/(.+)_embedding/embedding_weights")
_DENSE = (
    (r"^backbone/", ""),
    (r"(layer_\d+)/dense/", r"\1/"),
    (r"/dense_\d+/", "/dense/"),
    (r"/cin_(kernel|bias)", r"/\1"),
    (r"/W1/", "/reduce/"),
    (r"/W2/", "/excite/"),
)


def variable_names(variables: Iterable[str], scopes: Mapping[str, str]) -> dict[str, str]:
    """Returns EasyRec's name of each variable → ours; `scopes` as of `group_of_scope`."""
    names = {}
    for name in variables:
        table = TABLE.fullmatch(name)
        names[name] = f"{scopes[table[1]]}/{table[2]}/embedding" if table else _dense(name)
    return names


def group_of_scope(variables: Arrays, groups: Mapping[str, Mapping[str, Lookup]]) -> dict[str, str]:
    """Returns `input_layer`, `input_layer_1`, … → the feature group whose tables it holds.

    That is the one of the same features where looking up the ids gives the group's vectors.

    Args:
      variables: EasyRec's, by name.
      groups: feature group → feature → what EasyRec looked up.
    """
    tables: dict[str, dict[str, np.ndarray]] = {}
    for name, value in variables.items():
        if match := TABLE.fullmatch(name):
            tables.setdefault(match[1], {})[match[2]] = value
    found = {}
    for scope, held in tables.items():
        fits = [group for group, fields in groups.items() if _fits(held, fields)]
        assert len(fits) == 1, f"the tables in {scope} fit {len(fits)} feature groups: {fits}"
        found[scope] = fits[0]
    return found


def _fits(tables: Arrays, fields: Mapping[str, Lookup]) -> bool:
    """Whether the tables give a group's vectors; tags are passed over, as pooling has options."""
    if not tables.keys() <= fields.keys():
        return False
    single = {name: fields[name] for name in tables if fields[name].ids.ndim == 1}
    return all(
        np.array_equal(_looked_up(tables[name], field.ids), field.vectors)
        for name, field in single.items()
    )


def _looked_up(table: np.ndarray, ids: np.ndarray) -> np.ndarray:
    return np.where(ids[:, None] >= 0, table[ids], 0.0)


def _dense(name: str) -> str:
    for pattern, ours in _DENSE:
        name = re.sub(pattern, ours, name)
    return name
