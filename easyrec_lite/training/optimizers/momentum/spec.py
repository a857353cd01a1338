"""Momentum: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.optimizer import OPTIMIZERS, OptimizerSpec
from easyrec_lite.checks.status import fields


class _AnyMomentum(OptimizerSpec):
    module = "rule"
    slots = ("momentum",)


@OPTIMIZERS.declare
class MomentumSpec(_AnyMomentum):
    """Gradient descent with momentum."""

    name = message = "momentum_optimizer"
    messages = {"MomentumOptimizer": fields("learning_rate momentum_optimizer_value")}


@OPTIMIZERS.declare
class MomentumWSpec(_AnyMomentum):
    """Momentum with decoupled weight decay."""

    name = message = "momentumw_optimizer"
    messages = {"MomentumWOptimizer": fields("learning_rate weight_decay momentum_optimizer_value")}
