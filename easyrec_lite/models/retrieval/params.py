"""What the messages of two-tower models have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from easyrec_lite.protos.messages import Similarity


class TwoTowerParams(Protocol):
    """The fields that every message of a two-tower model has, and `model_params` too."""

    @property
    def simi_func(self) -> Similarity:
        """How a user vector and an item vector are compared."""

    @property
    def temperature(self) -> float:
        """What logits are divided by."""

    @property
    def l2_regularization(self) -> float:
        """The rate of the penalty on the towers' kernels."""

    @property
    def item_id(self) -> str:
        """The field that holds the item's id, to mask false negatives by; "" for none."""

    @property
    def mask_sampled_by_item_id(self) -> bool:
        """Whether sampled negatives are masked by id too."""

    @property
    def ignore_in_batch_neg_sam(self) -> bool:
        """Whether the batch's other items are no negatives."""


@dataclass(frozen=True)
class PlainParams:
    """The parameters of a model whose message lacks them: a cosine without masks."""

    l2_regularization: float = 0.0
    simi_func: Similarity = Similarity.COSINE
    temperature: float = 1.0
    item_id: str = ""
    mask_sampled_by_item_id: bool = False
    ignore_in_batch_neg_sam: bool = False
