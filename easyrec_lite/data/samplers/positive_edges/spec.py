"""`negative_sampler_v2`: items by weight that no user of the batch has a positive edge to."""

from __future__ import annotations

from easyrec_lite.checks.specs.sampler import SAMPLERS, SamplerSpec, message_fields

USERS = "user_input_path"


@SAMPLERS.declare
class PositiveEdgeSpec(SamplerSpec):
    """Draws `num_sample` items a batch; positive edges of the batch's users bar items."""

    name = message = "negative_sampler_v2"
    module = "sampler"
    messages = {
        "NegativeSamplerV2": message_fields(
            "item_input_path pos_edge_input_path user_id_field", unread=USERS
        )
    }
    edges = ("pos_edge_input_path",)
    user = "user_id_field"
