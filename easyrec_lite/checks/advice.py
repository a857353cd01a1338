"""What to try when a model does not rank items better than their popularity does.

Each piece of advice depends on the config. One that changes a field is given only if `check` has no
new error for the changed config, and no new warning at the field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from easyrec_lite.checks.check import check
from easyrec_lite.checks.item_id import item_id_field, ranked_id_field
from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.loss import loss_names
from easyrec_lite.checks.view import View
from easyrec_lite.config.edit import apply_edits
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core.errors import Problem

MOST = 3
HIGH_TEMPERATURE, LOWER = 0.5, 0.07
FEW, MORE = 256, 1024
SOFTMAX = "model_config.softmax"


@dataclass(frozen=True)
class Advice:
    """A piece of advice: what to try, and the edits that do so, config path → value."""

    text: str
    edits: Mapping[str, object]


# What no config rules out.
OTHERWISE = Advice("more steps, or another learning rate", {})


def advice(view: View, *, epochs: float | None = None, chance: bool = False) -> list[Advice]:
    """Returns at most `MOST` pieces of advice, the one that matters most first.

    Args:
      view: the config of the model.
      epochs: how often the training data was read; None if it is not known.
      chance: whether the model's metric is not told apart from that of random lists.
    """
    given: list[Advice] = []
    if chance:
        text = "check --data, whether ids and labels join, as the model ranks like chance"
        given.append(Advice(text, {}))
    if epochs is not None and epochs < 1:
        text = f"more steps, as only {epochs:.2g} of an epoch was read (train_config.num_steps)"
        given.append(Advice(text, {}))
    for rule in RULES:
        if len(given) == MOST:
            break
        given += [each for each in rule(view) if _holds(view, each.edits)]
    return given[:MOST] or [OTHERWISE]


def _listwise(view: View) -> Iterator[Advice]:
    """A loss over single rows does not rank."""
    if view.listwise or view.spec is None or "candidates" not in view.spec.trained_by:
        return
    loss = loss_names("candidates")[0]
    why = f"loss_type: {loss}, which ranks, on the rows with a label above 0"
    found = ", ".join(each.name for each in view.losses)
    if not view.model_config.losses:
        yield Advice(f"{why} (now {found})", {"model_config.loss_type": loss})


def _logq(view: View) -> Iterator[Advice]:
    """In-batch negatives occur in proportion to popularity, which the model so unlearns."""
    options = view.model_config.softmax
    if _in_batch(view) and options.logq == options.OFF:
        edits = {f"{SOFTMAX}.logq": "COUNTED", **_item_id(view)}
        yield Advice("softmax.logq: COUNTED, as popular items are negatives most often", edits)


def _temperature(view: View) -> Iterator[Advice]:
    """A cosine divided by a high temperature cannot tell items apart."""
    params = _params(view)
    temperature = getattr(params, "temperature", 0.0)
    if not view.listwise or view.spec is None or temperature < HIGH_TEMPERATURE:
        return
    learnt = view.model_config.softmax.learn_temperature
    if enum_name(params, "simi_func") == "COSINE" and not learnt:
        edits = {f"{view.spec.path()}.temperature": LOWER}
        yield Advice(f"a lower temperature, such as {LOWER:g} (now {temperature:g})", edits)


def _negatives(view: View) -> Iterator[Advice]:
    """Few negatives say little of all items."""
    if not view.listwise or _own_negatives(view) or view.candidates > FEW:
        return
    path = f"{view.sampler.path}.num_sample" if view.sampler else "data_config.batch_size"
    shown = path.removeprefix("data_config.")
    yield Advice(f"more negatives, {shown}: {MORE} (now {view.candidates - 1})", {path: MORE})


def _history(view: View) -> Iterator[Advice]:
    """A user who is an id and a profile has no taste but what the id's few rows teach."""
    groups = list(view.sides.user)
    lists = any(feature.spec.lists for group in groups for feature in view.read_features(group))
    if groups and not lists:
        yield Advice("a history of the user's items as a TagFeature or SequenceFeature", {})


def _mask(view: View) -> Iterator[Advice]:
    """A row's own item in another row of the batch is no negative."""
    masked = view.model_config.softmax.mask_false_negatives
    if _in_batch(view) and not masked and not getattr(_params(view), "item_id", ""):
        edits = {f"{SOFTMAX}.mask_false_negatives": True, **_item_id(view)}
        yield Advice("softmax.mask_false_negatives: true", edits)


RULES: tuple[Callable[[View], Iterator[Advice]], ...] = (
    *(_listwise, _logq, _temperature, _negatives, _history, _mask),
)


def _params(view: View) -> Any:
    return view.spec.params(view.model_config) if view.spec else None


def _in_batch(view: View) -> bool:
    """Returns whether the items of a batch's other rows are negatives."""
    alone = getattr(_params(view), "ignore_in_batch_neg_sam", False)
    return view.listwise and not alone and not _own_negatives(view)


def _own_negatives(view: View) -> bool:
    """Returns whether the model's own message says what its negatives are."""
    return hasattr(_params(view), "negatives")


def _item_id(view: View) -> dict[str, object]:
    """Returns the edit that names the item's id, if the softmax does not know it."""
    ranked = ranked_id_field(view.config)
    return {} if item_id_field(view.config) or not ranked else {f"{SOFTMAX}.item_id": ranked}


def _holds(view: View, edits: Mapping[str, object]) -> bool:
    """Returns whether `check` finds nothing new to say against the edits."""
    if not edits:
        return True
    config = type(view.config)()
    config.CopyFrom(view.config)
    source, problems = apply_edits(config, view.pipeline.source, edits)
    old = {_key(problem) for problem in check(view.pipeline)}
    found = [*problems, *check(Pipeline(config, source, view.pipeline.warnings))]
    return not any(
        _key(problem) not in old and (problem.severity == "error" or problem.path in edits)
        for problem in found
    )


def _key(problem: Problem) -> tuple[str, str, str]:
    return problem.severity, problem.path, problem.message
