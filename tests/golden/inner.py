"""Values inside our models, under EasyRec's names for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.attention import joined_steps
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.models.retrieval.mind.model import MIND
from easyrec_lite.models.retrieval.pdn.model import PDN


def inner_values(
    model: Any, features: dict[str, FeatureValue], training: bool
) -> dict[str, tf.Tensor]:
    """Returns the values that golden cases hold of such a model; none of most."""
    if isinstance(model, MIND):
        steps, lengths, _ = model.towers["user"]._steps(features, training)
        return {"capsule/seq_feas": steps, "capsule/seq_lens": lengths}
    if isinstance(model, PDN):
        paths, _ = model.paths(features, training)
        found = (paths.triggers, paths.similarities, tf.nn.softplus(paths.bias))
        return dict(zip(("trigger_out", "sim_out", "bias_out"), found, strict=True))
    return dict(_attended(model.embeddings, features, training))


def _attended(
    embeddings: GroupEmbeddings, features: dict[str, FeatureValue], training: bool
) -> Iterator[tuple[str, tf.Tensor]]:
    """Yields what each attention over sequences reads, and its output."""
    for group, attentions in embeddings.attentions.items():
        if not attentions:
            continue
        vectors = embeddings(group, features, training)
        fields = dict(zip(embeddings.field_names(group), vectors, strict=True))
        for attention in attentions:
            read = embeddings.attention_inputs(attention, fields, features)
            steps = joined_steps(read.histories)
            yield f"{attention.name}/key", tf.concat(read.keys, axis=-1)
            yield f"{attention.name}/hist_seq_emb", steps.to_tensor()
            yield f"{attention.name}/hist_seq_len", steps.row_lengths()
            yield f"{attention.name}/output", fields[attention.name]
            for index, extra in enumerate(read.extras):
                yield f"{attention.name}/aux_hist_seq_emb/{index:02d}", extra.to_tensor()
