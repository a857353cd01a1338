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


# Tables: of a group that is joined, of one that is read as sequences.
TABLE = re.compile(r"(?:input_layer(?:_\d+)?)/(.+?)(?:_embedding)?/embedding_weights")
# Attentions over sequences are all of the user's group; tables that share a name have no group.
_DENSE = (
    (r"^position_embedding/(\w+)", r"\1/positions"),
    (r"(transformer_layer_\d+)/attention/self/", r"\1/"),
    (r"(transformer_layer_\d+)/attention/output/dense/", r"\1/attention_output/"),
    (r"(transformer_layer_\d+)/attention/output/LayerNorm/", r"\1/attention_norm/"),
    (r"(transformer_layer_\d+)/intermediate/dense/", r"\1/intermediate/"),
    (r"(transformer_layer_\d+)/output/dense/", r"\1/output/"),
    (r"(transformer_layer_\d+)/output/LayerNorm/", r"\1/norm/"),
    (r"(mha|transformer)(/multi_head_attn)?/(kernel|bias)$", r"\1\2/query/\3"),
    (r"(mha|transformer)(/multi_head_attn)?/(kernel|bias)_1$", r"\1\2/key/\3"),
    (r"(mha|transformer)(/multi_head_attn)?/(kernel|bias)_2$", r"\1\2/value/\3"),
    (r"(mha|transformer)(/multi_head_attn)?/(kernel|bias)_3$", r"\1\2/attention_output/\3"),
    (r"/mha/", r"/mha/attention/"),
    (r"/multi_head_attn/", "/attention/attention/"),
    (r"/transformer/dense/", "/transformer/intermediate/"),
    (r"/transformer/dense_1/", "/transformer/output/"),
    (r"/transformer/layer_normalization/", "/transformer/attention_norm/"),
    (r"/transformer/layer_normalization_1/", "/transformer/norm/"),
    (r"/conv1d/(kernel|bias)", r"/\1_0"),
    (r"/conv1d_1/(kernel|bias)", r"/\1_1"),
    (r"^seq_dnn(\w+)/", r"user_\1_attention/"),
    (r"^sequence_key_transform_layer_seq_dnn(\w+)/", r"user_\1_attention_key/"),
    (r"^sequence_fea_transform_layer_seq_dnn(\w+)/", r"user_\1_attention_history/"),
    (r"^(user|item)/(\w+)_embedding/embedding_weights", r"\1/sequence_features/\2/embedding"),
    (r"^input_layer(?:_\d+)?/(\w+)/embedding_weights", r"shared/\1/embedding"),
    (r"^backbone/", ""),
    (r"(layer_\d+)/dense/", r"\1/"),
    (r"/dense_\d+/", "/dense/"),
    (r"/cin_(kernel|bias)", r"/\1"),
    (r"/W1/", "/reduce/"),
    (r"/input_projection/", "/project/"),
    (r"/activation_(\d+)/", r"/transform_\1/"),
    (r"/W2/", "/excite/"),
)


def variable_names(
    variables: Iterable[str], tables: Mapping[str, str], layers: Mapping[str, str]
) -> dict[str, str]:
    """Returns EasyRec's name of each variable → ours.

    Layer norms have no names of blocks: they are of the BST whose table of positions stands before.

    Args:
      variables: EasyRec's names.
      tables: as of `group_of_table`.
      layers: EasyRec's name of a layer in a package → ours.
    """
    names, bst = {}, ""
    for name in variables:
        bst = name.removeprefix("position_embedding/") if name.startswith("position_") else bst
        table, norm = TABLE.fullmatch(name), re.match(r"LayerNorm(_\d+)?/", name)
        group = tables.get(name)
        if table and group:
            names[name] = f"{group}/{table[1]}/embedding"
            continue
        ours = f"{bst}/norm/{name[norm.end() :]}" if norm else _dense(name)
        layer, slash, rest = ours.partition("/")
        names[name] = f"{layers.get(layer, layer)}{slash}{rest}"
    return names


def group_of_table(variables: Arrays, groups: Mapping[str, Mapping[str, Lookup]]) -> dict[str, str]:
    """Returns EasyRec's name of each table → the feature group that reads it.

    That is the one of the groups with its feature where looking up the ids gives the vectors. The
    tables of one scope are of one group, or of one that is joined and others that are sequences. A
    table that features share by name is left out.

    Args:
      variables: EasyRec's, by name.
      groups: feature group → feature → what EasyRec looked up.
    """
    found = {}
    for name, table in variables.items():
        if match := TABLE.fullmatch(name):
            held = {
                group: fields[match[1]] for group, fields in groups.items() if match[1] in fields
            }
            if not held:
                continue
            fits = [group for group, field in held.items() if len(held) == 1 or _fits(table, field)]
            scope = _scope(name)
            known = {group for other, group in found.items() if _scope(other) == scope}
            fits = [group for group in fits if group in known] or fits
            assert len(fits) == 1, f"{name} fits {len(fits)} feature groups: {fits}"
            found[name] = fits[0]
    return found


def _scope(name: str) -> str:
    return name.partition("/")[0]


def _fits(table: np.ndarray, field: Lookup) -> bool:
    """Whether the table gives the vectors; of tags it may, as pooling has options."""
    if field.ids.ndim > 1:
        return True
    return bool(np.array_equal(_looked_up(table, field.ids), field.vectors))


def _looked_up(table: np.ndarray, ids: np.ndarray) -> np.ndarray:
    return np.where(ids[:, None] >= 0, table[ids], 0.0)


def _dense(name: str) -> str:
    for pattern, ours in _DENSE:
        name = re.sub(pattern, ours, name)
    return name
