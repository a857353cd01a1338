"""Which fields of the data hold the ids of items and users, as they are compared and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.checks.specs.sampler import sampler_of
from easyrec_lite.protos.messages import EasyRecConfig

if TYPE_CHECKING:
    from easyrec_lite.checks.features import Feature
    from easyrec_lite.checks.view import View


def item_id_field(config: EasyRecConfig) -> str:
    """Returns the field that holds the item's id, "" when the config names none.

    It is `softmax.item_id`, else the model's own `item_id`, else the sampler's `item_id_field`.

    Args:
      config: the `EasyRecConfig` message.
    """
    model = config.model_config
    spec = MODELS.find(model.model_class)
    of_model = spec.item_id(model) if spec else ""
    return str(model.softmax.item_id or of_model or sampler_id_field(config))


def sampler_id_field(config: EasyRecConfig) -> str:
    """Returns the sampler's `item_id_field`, "" without a sampler."""
    sampler = sampler_of(config.data_config)
    return str(sampler[1].item_id_field) if sampler else ""


def user_id_field(config: EasyRecConfig) -> str:
    """Returns the field that holds the user's id, "" when the config names none.

    It is `full_ranking.user_id`, else the one that the sampler names, else gauc's `uid_field`, else
    the one that the model's own message names.

    Args:
      config: the `EasyRecConfig` message.
    """
    model, data = config.model_config, config.data_config
    sampler = sampler_of(data)
    spec = MODELS.find(model.model_class)
    named = [
        config.eval_config.full_ranking.user_id,
        sampler[0].user_id(sampler[1]) if sampler else "",
        *(entry.gauc.uid_field for entry in config.eval_config.metrics_set),
        spec.user_id(model) if spec else "",
    ]
    return next((str(name) for name in named if name), "")


def ranked_id_field(config: EasyRecConfig) -> str:
    """Returns the field that holds the item's id for a full ranking, "" for none."""
    return str(config.eval_config.full_ranking.item_id) or item_id_field(config)


def item_table(config: EasyRecConfig) -> str:
    """Returns the path of the item table: the sampler's, else the full ranking's; "" for none."""
    sampler = sampler_of(config.data_config)
    own = sampler[0].item_table(sampler[1]) if sampler else ""
    return own or str(config.eval_config.full_ranking.item_path)


def item_features(view: View) -> dict[str, Feature]:
    """Returns the features of the item side by name, in the order of its groups."""
    groups = (view.group_features(group) for group in view.sides.item)
    return {feature.name: feature for features in groups for feature in features}


def item_columns(view: View) -> list[str]:
    """Returns the columns that the features of the item side read, each once, in their order."""
    inputs = (feature.inputs for feature in item_features(view).values())
    return list(dict.fromkeys(name for columns in inputs for name in columns))
