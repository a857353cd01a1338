"""Which fields of the data hold the ids of items and users, as they are compared and counted."""

from __future__ import annotations

from typing import Any


def item_id_field(config: Any) -> str:
    """Returns the field that holds the item's id, '' when the config names none.

    It is `softmax.item_id`, else the model's own `item_id`, else the sampler's `item_id_field`.

    Args:
      config: the `EasyRecConfig` message.
    """
    model = config.model_config
    if model.softmax.item_id:
        return str(model.softmax.item_id)
    kind = model.WhichOneof("model")
    of_model = getattr(getattr(model, kind), "item_id", "") if kind else ""
    return str(of_model or sampler_id_field(config))


def sampler_id_field(config: Any) -> str:
    """Returns the sampler's `item_id_field`, '' without a sampler."""
    kind = config.data_config.WhichOneof("sampler")
    return str(getattr(config.data_config, kind).item_id_field) if kind else ""


def user_id_field(config: Any) -> str:
    """Returns the field that holds the user's id, '' when the config names none.

    It is `full_ranking.user_id`, else the sampler's `user_id_field`, else gauc's `uid_field`, else
    the `id` of the user tower.

    Args:
      config: the `EasyRecConfig` message.
    """
    model, data = config.model_config, config.data_config
    sampler, kind = data.WhichOneof("sampler"), model.WhichOneof("model")
    of_model = getattr(model, kind) if kind else None
    named = [
        config.eval_config.full_ranking.user_id,
        getattr(getattr(data, sampler), "user_id_field", "") if sampler else "",
        *(entry.gauc.uid_field for entry in config.eval_config.metrics_set),
        getattr(getattr(of_model, "user_tower", None), "id", ""),
    ]
    return next((str(name) for name in named if name), "")


def ranked_id_field(config: Any) -> str:
    """Returns the field that holds the item's id for a full ranking, '' for none."""
    return str(config.eval_config.full_ranking.item_id) or item_id_field(config)
