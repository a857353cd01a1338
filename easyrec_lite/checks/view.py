"""A config as the rules of `check` read it: features, fields, groups, towers, with their paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from easyrec_lite.checks.attention import SequenceAttention, distinct, sequence_attentions
from easyrec_lite.checks.features import Feature, FeatureGroups
from easyrec_lite.checks.names import enum_name, expand_name
from easyrec_lite.checks.specs.loss import LOSSES, LossSpec, Scored, loss_names
from easyrec_lite.checks.specs.model import MODELS, ModelSpec, Sides
from easyrec_lite.checks.specs.sampler import SAMPLERS, SamplerSpec
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core.errors import Place, Problem, nearest
from easyrec_lite.protos.messages import FeatureConfig


class Named(NamedTuple):
    """A named part of the config: its name, its config path and its message."""

    name: str
    path: str
    config: Any


class View:
    """What a pipeline's config holds, looked up by name. Read-only; nothing here raises."""

    def __init__(self, pipeline: Pipeline):
        self.pipeline = pipeline
        self.config = pipeline.config
        self.data = self.config.data_config
        self.model_config = self.config.model_config

    # Problems.

    def place(self, path: str) -> Place:
        """Returns where `path` stands in the file."""
        return self.pipeline.place(path)

    def error(self, path: str, message: str, **parts: str) -> Problem:
        """Returns an error at `path`; `parts` are the other attributes of `Problem`."""
        return Problem(message, place=self.place(path), path=path, **parts)

    def warning(self, path: str, message: str, **parts: str) -> Problem:
        """Returns a warning at `path`; `parts` are the other attributes of `Problem`."""
        return self.error(path, message, severity="warning", **parts)

    def unknown(
        self, path: str, kind: str, name: str, known: Iterable[str], **more: str
    ) -> Problem:
        """Returns the error that `name` is none of the `known` names of this kind."""
        names = sorted(known)
        listed = ", ".join(names[:30]) + (", …" if len(names) > 30 else "")
        parts = {
            "expected": f"one of {listed}" if names else "",
            "found": repr(name),
            "nearest": nearest(name, names),
        }
        return self.error(path, f"unknown {kind} {name!r}", **(parts | more))

    # Data.

    @cached_property
    def fields(self) -> dict[str, Named]:
        """Input column → its `DatasetConfig.Field`, ranges expanded; the first of equal names."""
        found: dict[str, Named] = {}
        for (path, names), field in zip(self.field_names(), self.data.input_fields, strict=True):
            for name in names:
                found.setdefault(name, Named(name, path, field))
        return found

    def field_names(self) -> Iterator[tuple[str, list[str]]]:
        """Yields the config path of each entry of `input_fields`, and the columns it stands for."""
        for index, field in enumerate(self.data.input_fields):
            expand = self.data.auto_expand_input_fields
            names = expand_name(field.input_name) if expand else [field.input_name]
            yield f"data_config.input_fields[{index}]", names

    def field_type(self, name: str) -> str:
        """Returns the type of input column `name`, e.g. `INT32`; '' when there is none such."""
        found = self.fields.get(name)
        return enum_name(found.config, "input_type") if found else ""

    @cached_property
    def sessions(self) -> set[str]:
        """The columns that losses or the model compare as sessions, as they are read."""
        of_model = self.spec.session_id(self.model_config) if self.spec else ""
        terms = [*self.model_config.losses, *self.model_config.kd]
        given = [(term, term.WhichOneof("loss_param")) for term in terms]
        of_losses = [getattr(getattr(term, n), "session_name", "") for term, n in given if n]
        return {of_model, *of_losses} - {""}

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Those of `label_fields` that are read as numbers: all but sessions that are texts."""
        return tuple(
            name
            for name in self.data.label_fields
            if name not in self.sessions or self.field_type(name) != "STRING"
        )

    @cached_property
    def sampler(self) -> Named | None:
        """The negative sampler, named by its field in `data_config`."""
        name = self.data.WhichOneof("sampler")
        return Named(name, f"data_config.{name}", getattr(self.data, name)) if name else None

    @cached_property
    def sampler_spec(self) -> SamplerSpec | None:
        """The spec of the negative sampler; None without one."""
        return SAMPLERS.find(self.sampler.name) if self.sampler else None

    # Features.

    @cached_property
    def features(self) -> list[Feature]:
        """All features in the order of the config."""
        return [
            feature
            for path, config in self._feature_configs()
            for feature in _expand(path, config, self.pipeline)
        ]

    def _feature_configs(self) -> Iterator[tuple[str, Any]]:
        for index, config in enumerate(self.config.feature_configs):
            yield f"feature_configs[{index}]", config
        for index, config in enumerate(self.config.feature_config.features):
            yield f"feature_config.features[{index}]", config

    @cached_property
    def feature_by_name(self) -> dict[str, Feature]:
        """Feature name → feature; the first of equal names."""
        found: dict[str, Feature] = {}
        for feature in self.features:
            found.setdefault(feature.name, feature)
        return found

    # Model.

    @cached_property
    def groups(self) -> dict[str, Named]:
        """Feature group by name; the first of equal names."""
        found: dict[str, Named] = {}
        for index, group in enumerate(self.model_config.feature_groups):
            path = f"model_config.feature_groups[{index}]"
            found.setdefault(group.group_name, Named(group.group_name, path, group))
        return found

    @cached_property
    def feature_groups(self) -> FeatureGroups:
        """Feature group → its known features, in the order of the config."""
        return {group: tuple(self.group_features(group)) for group in self.groups}

    @cached_property
    def attentions(self) -> dict[str, tuple[SequenceAttention, ...]]:
        """Feature group → its `sequence_features`; () for a group without."""
        return {
            name: sequence_attentions(
                name,
                group.path,
                group.config.sequence_features,
                group.config.feature_names,
                self.feature_by_name,
            )
            for name, group in self.groups.items()
        }

    @cached_property
    def table_scopes(self) -> FeatureGroups:
        """Scope of embedding tables → the features looked up in it: the groups, and attentions."""
        scopes: dict[str, tuple[Feature, ...]] = dict(self.feature_groups)
        for attentions in self.attentions.values():
            for attention in attentions:
                earlier = scopes.get(attention.scope, ())
                scopes[attention.scope] = distinct(earlier + attention.looked_up)
        return scopes

    @cached_property
    def grouped_features(self) -> dict[str, Feature]:
        """The features that some group reads: name → feature."""
        scopes = self.table_scopes.values()
        return {feature.name: feature for features in scopes for feature in features}

    def read_features(self, group: str) -> list[Feature]:
        """Returns the known features that a group reads, those of attentions too, each once."""
        attended = [
            feature
            for attention in self.attentions.get(group, ())
            for feature in attention.looked_up
        ]
        return list(distinct([*self.group_features(group), *attended]))

    def member_path(self, group: str, name: str) -> str:
        """Returns the config path at which a group names a feature that it reads."""
        named = self.groups[group]
        if name in named.config.feature_names:
            return f"{named.path}.feature_names[{list(named.config.feature_names).index(name)}]"
        for attention in self.attentions[group]:
            if any(feature.name == name for feature in attention.looked_up):
                return f"{attention.path}.seq_att_map"
        return named.path

    def field_widths(self, group: str) -> list[int]:
        """Returns the width of each of the group's vectors: of its features, then attentions."""
        return [
            *(feature.width for feature in self.group_features(group)),
            *(attention.width for attention in self.attentions.get(group, ())),
        ]

    def group_features(self, group: str) -> list[Feature]:
        """Returns the known features of a group in its order; none for an unknown group."""
        if group not in self.groups:
            return []
        names = self.groups[group].config.feature_names
        return [self.feature_by_name[name] for name in names if name in self.feature_by_name]

    @cached_property
    def model(self) -> Named | None:
        """The model's own message, named by its field in `model_config`, e.g. `dssm_senet`."""
        name = self.model_config.WhichOneof("model")
        return (
            Named(name, f"model_config.{name}", getattr(self.model_config, name)) if name else None
        )

    @cached_property
    def spec(self) -> ModelSpec | None:
        """The spec of the config's `model_class`; None for an unknown one."""
        return MODELS.find(self.model_config.model_class)

    @cached_property
    def sides(self) -> Sides:
        """The feature groups of the user side and of the item side; empty when not known."""
        return self.spec.sides(self) if self.spec else Sides({}, {})

    @property
    def candidates(self) -> int:
        """How many items a batch holds at most: those of its rows, and the sampled ones."""
        sampled = self.sampler.config.num_sample if self.sampler and self.samples else 0
        return int(self.data.batch_size + sampled)

    @property
    def samples(self) -> bool:
        """Whether the model has a use for sampled items."""
        return self.listwise or (self.spec is not None and self.spec.reads_pairs)

    @cached_property
    def sampled_keys(self) -> list[str]:
        """Names of keys of attentions that sampled items have too, outside of the keys' groups."""
        columns = set(self.sampler.config.attr_fields) if self.sampler and self.samples else set()
        return [
            key.name
            for attentions in self.attentions.values()
            for attention in attentions
            for key in attention.searched_keys
            if columns.issuperset(key.inputs)
        ]

    @cached_property
    def not_retrieving(self) -> str:
        """Why the model has no vectors of a user apart from the item; "" if it has."""
        if self.spec is None:
            return ""
        if self.spec.task != "retrieval":
            return f"it is a model of the task {self.spec.task}"
        for group in self.sides.user:
            for attention in self.attentions.get(group, ()):
                if attention.config.allow_item_keys:
                    return f"group {group!r} attends with keys of the item (allow_item_keys)"
        return ""

    # Losses.

    @cached_property
    def losses(self) -> list[Named]:
        """The losses by name: those of `losses`, else `loss_type`."""
        if self.model_config.losses:
            return [
                Named(enum_name(loss, "loss_type"), f"model_config.losses[{index}].loss_type", loss)
                for index, loss in enumerate(self.model_config.losses)
            ]
        name = enum_name(self.model_config, "loss_type")
        return [Named(name, "model_config.loss_type", None)]

    def loss_spec(self, loss: Named) -> LossSpec | None:
        """Returns the spec of a loss; None for an unknown one."""
        return LOSSES.find(loss.name)

    def loss_names(self, scored: Iterable[Scored]) -> list[str]:
        """Returns the names of the losses of these kinds, sorted."""
        return [name for kind in scored for name in loss_names(kind)]

    @cached_property
    def listwise(self) -> bool:
        """Whether every row's positive competes with the other candidates of the batch."""
        specs = [self.loss_spec(loss) for loss in self.losses]
        return any(spec is not None and spec.scored == "candidates" for spec in specs)

    @cached_property
    def loss_is_default(self) -> bool:
        """Whether the config says nothing about the loss, which makes the model pointwise."""
        return not self.model_config.losses and not self.model_config.HasField("loss_type")


def _expand(path: str, config: FeatureConfig, pipeline: Pipeline) -> list[Feature]:
    inputs = tuple(config.input_names)
    name = config.feature_name or (inputs[0] if inputs else "")
    shared = [copy for given in config.shared_names for copy in expand_name(given)]
    return [
        Feature(name, path, config, inputs, pipeline),
        *(Feature(copy, path, config, (copy,), pipeline) for copy in shared),
    ]
