"""The attention over sequences that a feature group declares in `sequence_features`. No TensorFlow.

Symbols: B rows, L steps, D width of a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from easyrec_lite.checks.features import Feature
from easyrec_lite.protos.messages import SeqAttGroupConfig

# The units of `seq_dnn` where the config has none, as in EasyRec.
DEFAULT_UNITS = (128, 64, 32, 1)


@dataclass(frozen=True)
class SequenceAttention:
    """An entry of `sequence_features`: steps of histories, weighted by their similarity to a key.

    Attributes:
      name: its `group_name`, else `sequence_{index}`.
      group: the feature group.
      path: config path of its message.
      config: the message; read, never changed.
      keys, histories, extras: the known features of all `key`, `hist_seq` and `aux_hist_seq`.
      group_features: the names of the group's own `feature_names`.
    """

    name: str
    group: str
    path: str
    config: SeqAttGroupConfig
    keys: tuple[Feature, ...]
    histories: tuple[Feature, ...]
    extras: tuple[Feature, ...]
    group_features: frozenset[str]

    @property
    def scope(self) -> str:
        """The scope of the tables of features that the group does not name itself."""
        return f"{self.group}/sequence_features"

    @property
    def layer_name(self) -> str:
        """The name of its layer."""
        return f"{self.group}_{self.name}_attention"

    @cached_property
    def looked_up(self) -> tuple[Feature, ...]:
        """The features that have a vector in `scope`: all but keys that the group names itself."""
        return distinct([*self.searched_keys, *self.histories, *self.extras])

    def named(self) -> Iterator[tuple[str, str, str]]:
        """Yields (field, config path, name) of every feature that the maps name."""
        for number, entry in enumerate(self.config.seq_att_map):
            for field in ("key", "hist_seq", "aux_hist_seq"):
                for index, name in enumerate(getattr(entry, field)):
                    yield field, f"{self.path}.seq_att_map[{number}].{field}[{index}]", name

    @property
    def searched_keys(self) -> tuple[Feature, ...]:
        """The keys that the group does not name itself."""
        return distinct(key for key in self.keys if key.name not in self.group_features)

    @property
    def units(self) -> list[int]:
        """The units of the network that scores a step; the last is 1."""
        return list(self.config.seq_dnn.hidden_units) or list(DEFAULT_UNITS)

    @property
    def key_width(self) -> int:
        """The width of the keys' joined vectors."""
        return sum(feature.width for feature in self.keys)

    @property
    def history_width(self) -> int:
        """D, the width of the histories' joined steps."""
        return sum(feature.dim for feature in self.histories)

    @property
    def transforms(self) -> bool:
        """Whether dense layers project key and history to D: asked for, or the key is wider."""
        wider = self.key_width > self.history_width
        return self.config.allow_key_transform and (self.config.transform_dnn or wider)

    @property
    def width(self) -> int:
        """The width of its output: the pooled histories, extra histories, and the key."""
        key = self.history_width if self.config.allow_key_transform else self.key_width
        extras = sum(feature.dim for feature in self.extras)
        return self.history_width + extras + (key if self.config.need_key_feature else 0)


def distinct(features: Iterable[Feature]) -> tuple[Feature, ...]:
    """Returns the features in order, each name once."""
    return tuple({feature.name: feature for feature in features}.values())


def sequence_attentions(
    group: str,
    path: str,
    configs: Iterable[SeqAttGroupConfig],
    names: Iterable[str],
    features: Mapping[str, Feature],
) -> tuple[SequenceAttention, ...]:
    """Returns the attentions of a feature group; names of unknown features are passed over.

    Args:
      group: the name of the group.
      path: its config path.
      configs: its `sequence_features`.
      names: its `feature_names`.
      features: feature name → feature.
    """
    own = frozenset(names)

    def known(listed: Iterable[str]) -> tuple[Feature, ...]:
        return tuple(features[name] for name in listed if name in features)

    return tuple(
        SequenceAttention(
            name=config.group_name or f"sequence_{index}",
            group=group,
            path=f"{path}.sequence_features[{index}]",
            config=config,
            keys=known(name for entry in config.seq_att_map for name in entry.key),
            histories=known(name for entry in config.seq_att_map for name in entry.hist_seq),
            extras=known(name for entry in config.seq_att_map for name in entry.aux_hist_seq),
            group_features=own,
        )
        for index, config in enumerate(configs)
    )
