"""What a checkpoint's numbers mean: the parts of a config that change them under equal shapes.

A vocabulary in another order, `hash_bucket_size: 100` in place of `num_buckets: 100`, two features
of one width that change places in a group: each leaves every variable's shape as it is, and makes
each number stand for something else. A checkpoint stores the fingerprint of its config, so that
whatever restores it can tell. What only decides the order of rows is stored beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from google.protobuf import text_format

from easyrec_lite.checks.view import Feature, View
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import Problem
from easyrec_lite.protos.messages import FeatureConfig

# Fields of a feature that shapes show, that only start training, or that say where rows are kept.
NOT_MEANING = {
    *("feature_name", "shared_names", "embedding_dim", "initializer", "ev_params"),
    *("max_partitions", "vocab_list", "vocab_file", "input_names"),
}
ORDER_FIELDS = ("batch_size", "shuffle", "shuffle_buffer_size", "drop_remainder")
REMEDY = (
    "undo the change, use another model_dir, or set train_config.accept_changed_config: true to "
    "use the weights as they are"
)


class Fingerprint(NamedTuple):
    """The meaning of a config's weights, and the order in which it reads rows.

    Attributes:
      meaning: config part, such as `feature city: hash_bucket_size`, → its value as text.
      order: the same for what decides the order of rows.
    """

    meaning: dict[str, str]
    order: dict[str, str]

    def text(self) -> str:
        """Returns it as JSON."""
        return json.dumps(self._asdict(), ensure_ascii=False, sort_keys=True)

    @classmethod
    def of_text(cls, text: str) -> Fingerprint:
        """Returns what `text` wrote."""
        stored = json.loads(text)
        return cls(stored["meaning"], stored["order"])


def fingerprint(pipeline: Pipeline, files: Sequence[str] = ()) -> Fingerprint:
    """Returns the fingerprint of a config, trained on `files`; reads vocabulary files, no data."""
    view = View(pipeline)
    meaning = {"model_class": view.model_config.model_class}
    for name, group in view.groups.items():
        meaning[f"group {name}: feature_names"] = ", ".join(group.config.feature_names)
        for attention in view.attentions[name]:
            shown = _shown(attention.config)
            meaning[f"group {name}: sequence_features {attention.name}"] = shown
        for feature in view.read_features(name):
            meaning |= {
                f"feature {feature.name}: {field}": value
                for field, value in _feature(view, feature)
            }
    meaning["losses"] = ", ".join(
        spec.scored for spec in map(view.loss_spec, view.losses) if spec is not None
    )
    meaning["label"] = view.model_config.label_name or ", ".join(view.data.label_fields[:1])
    return Fingerprint(meaning, dict(_order(pipeline, files)))


def _feature(view: View, feature: Feature) -> Iterator[tuple[str, str]]:
    """Yields (field, value) of what decides on a feature's values and ids."""
    yield "input_names", ", ".join(feature.inputs)
    for name in feature.inputs:
        if name in view.fields:
            default = view.fields[name].config.default_val
            yield f"type of {name}", f"{view.field_type(name)}, default {default!r}"
    for field, value in feature.config.ListFields():
        if field.name not in NOT_MEANING:
            yield field.name, _shown(value)
    tokens = _vocabulary(feature.config)
    if tokens is not None:
        yield "vocabulary", f"{len(tokens)} tokens, {_digest(tokens)}"


def _shown(value: Any) -> str:
    if hasattr(value, "ListFields"):
        return text_format.MessageToString(value, as_one_line=True)
    return str(list(value)) if not isinstance(value, str | bytes | int | float) else str(value)


def _vocabulary(config: FeatureConfig) -> list[str] | None:
    if config.vocab_file:
        path = config.vocab_file
        lines = fs.read_text(path, errors="replace").split("\n") if fs.is_file(path) else []
        return [line for line in lines if line.strip()]
    return list(config.vocab_list) or None


def _order(pipeline: Pipeline, files: Sequence[str]) -> Iterator[tuple[str, str]]:
    data = pipeline.config.data_config
    yield "train_config.seed", str(pipeline.config.train_config.seed)
    for name in ORDER_FIELDS:
        yield f"data_config.{name}", str(getattr(data, name))
    size = sum(fs.size(file) for file in files if fs.is_file(file))
    yield "training data", f"{len(files)} files of {size:,} bytes, {_digest(sorted(files))}"


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def changed_meaning(
    stored: Fingerprint, current: Fingerprint, prefix: str, common: bool = False
) -> list[Problem]:
    """Returns what changed the meaning of the weights in checkpoint `prefix`, an error each.

    Args:
      stored: of the config that wrote the checkpoint.
      current: of the config that reads it.
      prefix: the checkpoint.
      common: whether to look only at features and groups that both configs have.
    """
    return [
        Problem(
            f"{part} changed, so that the checkpoint's weights mean something else",
            expected=f"{before or 'none'}, as in {prefix}",
            found=after or "none",
            remedy=REMEDY,
        )
        for part, before, after in _differences(stored.meaning, current.meaning)
        if not common or _common(part, stored.meaning, current.meaning)
    ]


def changed_order(stored: Fingerprint, current: Fingerprint) -> list[str]:
    """Returns a line for each change of what decides the order of rows."""
    return [
        f"{part} changed from {before or 'none'} to {after or 'none'}: the rows are read on in "
        "another order than that of one uninterrupted run"
        for part, before, after in _differences(stored.order, current.order)
    ]


def _differences(
    before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    for part in dict.fromkeys([*before, *after]):
        old, new = before.get(part, ""), after.get(part, "")
        if old != new:
            yield part, old, new


def _common(part: str, *meanings: Mapping[str, str]) -> bool:
    """Returns whether the owner of `part`, a feature or group, is in all of `meanings`."""
    owner = part.partition(": ")[0]
    return all(any(key.partition(": ")[0] == owner for key in meaning) for meaning in meanings)
