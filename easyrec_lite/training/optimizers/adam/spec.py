"""Adam and its variants: what `check` knows of them."""

from __future__ import annotations

from easyrec_lite.checks.specs.optimizer import OPTIMIZERS, OptimizerSpec
from easyrec_lite.checks.status import fields


class _AnyAdam(OptimizerSpec):
    module = "rule"
    slots = ("m", "v")


@OPTIMIZERS.declare
class AdamSpec(_AnyAdam):
    """Adam; tables by the lazy variant unless `decay_all_rows`."""

    name = message = "adam_optimizer"
    messages = {"AdamOptimizer": fields("learning_rate beta1 beta2 decay_all_rows")}


@OPTIMIZERS.declare
class LazyAdamSpec(_AnyAdam):
    """Adam that moves the rows of tables that were looked up, and no others."""

    name = message = "lazy_adam_optimizer"
    messages = {"LazyAdamOptimizer": fields("learning_rate beta1 beta2")}


@OPTIMIZERS.declare
class AdamAsyncSpec(_AnyAdam):
    """EasyRec's Adam for parameter servers: the lazy variant."""

    name = message = "adam_async_optimizer"
    messages = {"AdamAsyncOptimizer": fields("learning_rate beta1 beta2")}


@OPTIMIZERS.declare
class AdamWSpec(_AnyAdam):
    """Adam with decoupled weight decay."""

    name = message = "adamw_optimizer"
    messages = {"AdamWOptimizer": fields("learning_rate weight_decay beta1 beta2")}


@OPTIMIZERS.declare
class AdamAsyncWSpec(_AnyAdam):
    """The lazy variant with decoupled weight decay."""

    name = message = "adam_asyncw_optimizer"
    messages = {"AdamAsyncWOptimizer": fields("learning_rate weight_decay beta1 beta2")}
