"""What the models compute: vectors, logits, losses, penalties, metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.evaluation.evaluation import MetricEvaluator
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.metrics.recall_at_topk.metric import RecallAtTopK
from easyrec_lite.models.backbone.groups import EmbeddedGroups
from tests.golden.case import Case
from tests.golden.hard_pairs import MASKED, by_row, without_masked
from tests.golden.inner import inner_values
from tests.golden.pairs import Pair, section
from tests.golden.stored import Arrays

# A block of a package that is used several times.
ENCODER = "seq_encoder/BST"
MODES = {"train": True, "eval": False}


def _forward(case: Case, training: bool) -> tuple[Outputs, dict[str, Any]]:
    """Returns the outputs, logits always among them, and the losses."""
    return case.once(f"forward {training}", lambda: _computed(case, training))


def _computed(case: Case, training: bool) -> tuple[Outputs, dict[str, Any]]:
    case.reset()
    outputs = case.model(case.batch, training)
    predictions = dict(outputs.predictions)
    if hasattr(case.model, "logits"):
        logits = case.model.logits(outputs, case.batch)
        chances = tf.nn.softmax(logits) if case.model.listwise else tf.sigmoid(logits)
        predictions = {"probs": chances, **predictions, "logits": logits}
    if case.batch.hard_pairs is not None:
        ids = case.arrays("ids")
        predictions["logits"] = by_row(logits, ids, MASKED)
        predictions["probs"] = by_row(chances, ids, 0.0)
    losses = case.model.losses(outputs, case.batch)
    losses["total_loss"] = tf.add_n(list(losses.values()))
    return outputs._replace(predictions=predictions), losses


def predictions(case: Case) -> Iterator[Pair]:
    """Tower vectors, logits, probabilities and all other outputs."""
    for mode, training in MODES.items():
        outputs, _ = _forward(case, training)
        for name in section(case.arrays(mode), "out/"):
            yield without_masked(case.pair(mode, f"out/{name}", outputs.predictions[name]))


def losses(case: Case) -> Iterator[Pair]:
    """Every loss term and their sum; the labels that they are of."""
    for mode, training in MODES.items():
        _, found = _forward(case, training)
        for name in section(case.arrays(mode), "loss/"):
            yield case.pair(mode, f"loss/{name}", found[name])
        for name in section(case.arrays(mode), "label/"):
            yield case.pair(mode, f"label/{name}", case.batch.labels[name])


def regularization(case: Case) -> Iterator[Pair]:
    """The penalty of each kernel, of all kernels together, and of the vectors of each group.

    EasyRec stores several for a group with attentions over sequences: those are compared as a sum.
    """
    outputs, _ = _forward(case, training=True)
    rate = case.model.params.l2_regularization
    groups, kernels = {}, np.zeros([])
    for name, golden in section(case.arrays("train"), "reg/").items():
        owner = r"(?:user_tower/|item_tower/|backbone/\w+/)?"
        kernel = re.fullmatch(rf"\d+/{owner}(.+)/Regularizer/.*", name)
        if kernel:
            weights = case.ours[case.names[kernel[1]]].numpy().astype(np.float64)
            ours, kernels = rate * np.sum(weights**2) / 2, kernels + golden
            yield case.pair("train", f"reg/{name}", ours)
        else:
            groups[name] = golden
    penalties = dict(outputs.penalties)
    yield Pair("train/reg/kernels", penalties.pop("kernels", 0.0), kernels)
    if len(groups) > len(penalties):
        yield Pair("train/reg/groups", sum(penalties.values()), sum(groups.values()))
        return
    # EasyRec's terms of groups have no names of groups: the n-th largest is our n-th largest.
    ordered = sorted(groups, key=groups.__getitem__)
    for name, ours in zip(ordered, sorted(penalties.values()), strict=True):
        yield case.pair("train", f"reg/{name}", ours)


def groups(case: Case) -> Iterator[Pair]:
    """Each feature group's vectors, one by one and joined."""
    for mode in (*MODES, "predict"):
        case.reset()
        for name in section(case.arrays(mode), "group/"):
            group, part, *field = name.split("/")
            length = case.stored.shape(mode, f"group/{name}")[0]
            rows = case.candidates if length > case.rows else case.batch.features
            members = case.model.embeddings.groups[group]
            if part == "0" and field:
                feature = case.members(group)[int(field[0])]
                sequence = case.model.embeddings.sequence(group, feature, rows)
                yield case.pair(mode, f"group/{name}", sequence[int(field[1])])
                continue
            plain = [each.name for each in members if not each.stays_sequence]
            only = plain if len(plain) < len(members) else None
            vectors = case.model.embeddings(group, rows, training=mode == "train", only=only)
            ours = vectors[int(field[0])] if field else tf.concat(vectors, axis=-1)
            yield case.pair(mode, f"group/{name}", ours)


def blocks(case: Case) -> Iterator[Pair]:
    """Each backbone block's output, lists one by one; a feature group may stand for a block."""
    for mode in (*MODES, "predict"):
        stored = section(case.arrays(mode), "block/")
        if stored:
            case.reset()
            features = case.batch.features if mode == "predict" else case.candidates
            rows = EmbeddedGroups(case.model.embeddings, features, mode == "train")
            computed = case.model.backbone.values(rows, mode == "train")
            joined = {
                group: tf.concat(fields, axis=-1)
                for group, fields in rows.vectors.items()
                if all(field.shape.rank == 2 for field in fields)
            }
            found = dict(_leaves({**joined, **computed}))
            for name in stored:
                if "@" not in name and name != ENCODER:
                    yield _real_steps(case, mode, case.pair(mode, f"block/{name}", found[name]))
            yield from _uses(case, mode, stored, computed)


def _uses(case: Case, mode: str, stored: Arrays, computed: dict[str, Any]) -> Iterator[Pair]:
    """The results of a block at each use of its package.

    Their order is not ours: a use of the encoder is compared with the one of its results that is
    nearest, and each of these must be so.
    """
    repeated = [name for name in stored if "@" in name]
    encoder = case.model.backbone.layers.get(ENCODER, [])
    inputs = [computed[name] for name in computed if name.startswith("augment_")] if encoder else []
    results = (
        [np.asarray(encoder[0](each)) for each in (*inputs, computed["seq_input"])]
        if encoder
        else []
    )
    met = set()
    for name in repeated + ([ENCODER] if encoder else []):
        block = name.partition("@")[0]
        if block == ENCODER:
            nearest = min(
                range(len(results)), key=lambda i: np.abs(results[i] - stored[name]).max()
            )
            met.add(nearest)
            yield case.pair(mode, f"block/{name}", results[nearest])
        else:
            (found,) = (value for key, value in _leaves(computed) if key == block)
            yield case.pair(mode, f"block/{name}", found)
    assert met == set(range(len(results)))


def _real_steps(case: Case, mode: str, pair: Pair) -> Pair:
    """Returns a pair with zeros as EasyRec's padding where the layer reads the real steps alone.

    Nothing reads what EasyRec's TransformerBlock gives for the padding.
    """
    if not pair.name.endswith("block/transformer"):
        return pair
    lengths = case.arrays(mode)["block/seq_input/01"]
    real = np.arange(pair.golden.shape[1]) < lengths[:, None]
    return pair._replace(golden=np.where(real[:, :, None], pair.golden, 0.0))


def inner(case: Case) -> Iterator[Pair]:
    """Values inside a model."""
    for mode in (*MODES, "predict"):
        case.reset()
        stored = section(case.arrays(mode), "inner/")
        case.reset()
        features = case.batch.features if mode == "predict" else case.candidates
        found = inner_values(case.parts.model, features, mode == "train")
        for name in stored:
            yield case.pair(mode, f"inner/{name}", found[name])


def _leaves(blocks: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, output in blocks.items():
        if isinstance(output, list | tuple):
            yield from _leaves({f"{name}/{i:02d}": part for i, part in enumerate(output)})
        else:
            yield name, output


def metrics(case: Case) -> Iterator[Pair]:
    """The metrics and losses of an evaluation over rows.csv."""
    case.reset()
    path = case.pipeline.config.eval_input_path
    evaluated = MetricEvaluator(replace(case.parts, model=case.model), path).run()
    found = evaluated | _interest_recalls(case)
    for name in section(case.arrays("eval"), "metric/"):
        yield case.pair("eval", f"metric/{name}", found[name.removeprefix("loss/")])


def _interest_recalls(case: Case) -> dict[str, float]:
    """Returns the recalls of interests with EasyRec's, which are 0 where a user has none; ours
    leave them out.
    """
    stored = section(case.arrays("eval"), "metric/interests_recall@")
    if not stored:
        return {}
    found = case.model(case.batch, training=False).predictions
    logits = tf.einsum("bkd,nd->bkn", found["user_interests"], found["item_tower_emb"])
    found["logits"] = found["interest_logits"] = tf.reduce_max(logits, axis=1)
    recalls = {}
    for k in map(int, stored):
        metric = RecallAtTopK(k)
        state = {
            name: x.numpy() for name, x in metric.state(Outputs(found, {}), case.batch).items()
        }
        recalls |= metric.compute(metric.merge({}, state))
    return {name: value for name, value in recalls.items() if name.startswith("interests_")}
