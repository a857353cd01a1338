"""The task of retrieval: what evaluation, export and recommendation require of a model.

A retrieval model maps a user to K ≥ 1 vectors, one for each interest, and an item to one. The score
of a user and an item is the largest of their K inner products, unless the model combines them in a
way of its own. A model of another task offers none of this: see `retrieval_of`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import tensorflow as tf

from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.models.base import Model, Signature

USER_TOWER, ITEM_TOWER = "user_tower", "item_tower"
USER_VECTORS, ITEM_VECTORS, INTEREST_COUNTS = "user_tower_emb", "item_tower_emb", "user_emb_num"

# Of the inner products of K interests and N items float32 [B, K, N]: the items' scores [B, N].
Combine = Callable[[tf.Tensor], tf.Tensor]


class UserVectors(NamedTuple):
    """The vectors of B users, as served.

    Attributes:
      vectors: float32 [B, K, D]. A user with fewer than K interests has copies of the first one in
        the places left, which change no maximum: nobody who searches with them needs a mask.
      counts: int32 [B], how many interests each user has, from 1 to K; None: all have K.
    """

    vectors: tf.Tensor
    counts: tf.Tensor | None = None


@runtime_checkable
class Retrieval(Protocol):
    """A model that retrieves items for users.

    Attributes:
      user_groups, item_groups: the feature groups that each side reads.
      interests: K, the vectors of a user.
      combine: how the K inner products of a user and an item become a score; None: the largest.
    """

    user_groups: tuple[str, ...]
    item_groups: tuple[str, ...]
    interests: int
    combine: Combine | None

    def user_vectors(self, features: dict[str, FeatureValue]) -> UserVectors:
        """Returns the vectors of B users, as served."""

    def item_vectors(self, features: dict[str, FeatureValue]) -> tf.Tensor:
        """Returns the vectors of N items, float32 [N, D], as served."""


def retrieves(model: Model) -> bool:
    """Returns whether the model is a retrieval model, whose user side reads no item."""
    return isinstance(model, Retrieval) and not View(model.pipeline).not_retrieving


def retrieval_of(model: Model) -> Retrieval:
    """Returns the model as a retrieval model.

    Raises:
      ConfigError: it is a model of another task.
    """
    if isinstance(model, Retrieval) and retrieves(model):
        return model
    name = model.config.model_config.model_class
    reason = View(model.pipeline).not_retrieving
    raise ConfigError(
        Problem(
            message=f"{name} is no retrieval model: it has no vectors of users and items"
            + (f", as {reason}" if reason else ""),
            path="model_config.model_class",
            expected="a model that retrieves items",
            found=name,
            remedy="leave out what ranks or exports all items, or use a retrieval model",
        )
    )


def tower_signatures(model: Retrieval) -> dict[str, Signature]:
    """Returns the functions that export both sides of a retrieval model.

    `user_tower`: `user_tower_emb` float32 [B, D], or [B, K, D] where K > 1, then with
    `user_emb_num` int32 [B] where users have different numbers of interests.
    `item_tower`: `item_tower_emb` float32 [B, D].
    """

    def users(features: dict[str, FeatureValue]) -> dict[str, tf.Tensor]:
        vectors, counts = model.user_vectors(features)
        if model.interests == 1:
            return {USER_VECTORS: vectors[:, 0]}
        return {USER_VECTORS: vectors} | ({} if counts is None else {INTEREST_COUNTS: counts})

    def items(features: dict[str, FeatureValue]) -> dict[str, tf.Tensor]:
        return {ITEM_VECTORS: model.item_vectors(features)}

    return {
        USER_TOWER: Signature(users, model.user_groups),
        ITEM_TOWER: Signature(items, model.item_groups),
    }
