"""`hard_negative_sampler` and `hard_negative_sampler_v2`: hard edges of the batch's users too."""

from __future__ import annotations

from typing import ClassVar

from easyrec_lite.checks.specs.sampler import SAMPLERS, SamplerSpec, message_fields

USERS = "user_input_path"
READ = "item_input_path hard_neg_edge_input_path num_hard_sample user_id_field "
HARD, POSITIVE = "hard_neg_edge_input_path", "pos_edge_input_path"


@SAMPLERS.declare
class HardEdgeSpec(SamplerSpec):
    """Draws `num_sample` items a batch, and adds `num_hard_sample` hard negatives a row."""

    name = message = "hard_negative_sampler"
    module = "sampler"
    messages = {"HardNegativeSampler": message_fields(READ, unread=USERS)}
    edges: ClassVar[tuple[str, ...]] = (HARD,)
    user = "user_id_field"
    counts = ("num_sample", "num_hard_sample")


@SAMPLERS.declare
class HardAndPositiveEdgeSpec(HardEdgeSpec):
    """Also bars the items that a user of the batch has a positive edge to."""

    name = message = "hard_negative_sampler_v2"
    messages = {"HardNegativeSamplerV2": message_fields(READ + POSITIVE, unread=USERS)}
    edges = (HARD, POSITIVE)
