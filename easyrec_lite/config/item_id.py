"""Which field of the data holds the item's id, as masks and logQ compare and count it."""

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
