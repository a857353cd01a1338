"""Rules about training: its length, optimisers and learning rates."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem
from easyrec_lite.protos.messages import Optimizer

Problems = Iterator[Problem]
DEADLINE_FORMAT = "%Y%m%d %H:%M:%S"
OFFERED = (
    "NoStrategy",
    "MirroredStrategy",
    "MultiWorkerMirroredStrategy",
    "CollectiveAllReduceStrategy",
    "PSStrategy",
)
# What is not offered → the nearest strategy that is, and how it differs.
NEAREST = {
    "HorovodStrategy": ("MultiWorkerMirroredStrategy", "synchronous workers, no Horovod"),
    "ExascaleStrategy": ("PSStrategy", "TensorFlow's parameter servers"),
    "SokStrategy": ("PSStrategy", "tables are spread over parameter servers by max_partitions"),
    "EmbeddingParallelStrategy": (
        "PSStrategy",
        "tables are spread over parameter servers by max_partitions",
    ),
}


def model_folder(view: View) -> Problems:
    """A run has its own folder to write to."""
    folder = view.config.model_dir
    if not folder:
        yield view.error(
            "model_dir",
            "model_dir is empty: the run would write to the current folder",
            expected="a folder for checkpoints, exports and summaries",
            remedy="set model_dir, or give --model_dir",
        )
        return
    for path in ("train_input_path", "eval_input_path"):
        parts = [os.path.abspath(part.strip()) for part in getattr(view.config, path).split(",")]
        if os.path.abspath(folder) in parts:
            yield view.error(
                "model_dir",
                f"model_dir is the folder that {path} names: what is written would be read as data",
                expected="a separate folder",
                found=folder,
                remedy="give another model_dir",
            )


def ends(view: View) -> Problems:
    """Training ends."""
    if view.config.train_config.num_steps == 0 and view.data.num_epochs == 0:
        yield view.error(
            "train_config.num_steps",
            "training would never end: num_steps is 0 and num_epochs is 0",
            expected="num_steps or num_epochs above 0",
            remedy="set train_config.num_steps, or data_config.num_epochs",
        )


def optimizers(view: View) -> Problems:
    """There are one or two optimisers, each with a learning rate."""
    configs = view.config.train_config.optimizer_config
    if not configs:
        yield view.error(
            "train_config",
            "train_config has no optimizer_config",
            expected="optimizer_config { adam_optimizer { learning_rate {...} } }",
            remedy="add an optimizer_config",
        )
    if len(configs) > 2:
        yield view.error(
            "train_config.optimizer_config[2]",
            f"{len(configs)} optimizers",
            expected="one for everything, or two: for embedding tables and for the rest",
            remedy="remove the others",
        )
    for index, config in enumerate(configs):
        yield from _optimizer(view, f"train_config.optimizer_config[{index}]", config)


def _optimizer(view: View, path: str, config: Optimizer) -> Problems:
    name = config.WhichOneof("optimizer")
    if name is None:
        known = [field.name for field in config.DESCRIPTOR.oneofs_by_name["optimizer"].fields]
        yield view.error(
            path,
            "optimizer_config names no optimizer",
            expected="one of " + ", ".join(sorted(known)),
            remedy="add one, e.g. adam_optimizer { learning_rate {...} }",
        )
        return
    rate = getattr(config, name).learning_rate
    schedule = rate.WhichOneof("learning_rate")
    if schedule is None:
        known = [field.name for field in rate.DESCRIPTOR.fields]
        yield view.error(
            f"{path}.{name}",
            f"{name} has no learning_rate",
            expected="learning_rate { ... } with one of " + ", ".join(known),
            remedy="add e.g. learning_rate { constant_learning_rate { learning_rate: 0.001 } }",
        )
    else:
        yield from _schedule(
            view, f"{path}.{name}.learning_rate.{schedule}", getattr(rate, schedule)
        )


def _schedule(view: View, path: str, schedule: Any) -> Problems:
    for field in ("decay_steps", "total_steps", "hidden_size"):
        if field in schedule.DESCRIPTOR.fields_by_name and getattr(schedule, field) <= 0:
            yield view.error(f"{path}.{field}", f"{field} is 0", expected="a positive number")
    if {"total_steps", "warmup_steps"} <= set(schedule.DESCRIPTOR.fields_by_name):
        held = schedule.warmup_steps + getattr(schedule, "hold_base_rate_steps", 0)
        if 0 < schedule.total_steps < held:
            yield view.error(
                f"{path}.total_steps",
                f"the schedule ends at step {schedule.total_steps}, before it has warmed up",
                expected=f"at least {held}, the steps of warm-up and of the base rate",
                found=str(schedule.total_steps),
                remedy="raise total_steps, or lower warmup_steps",
            )
    if "schedule" not in schedule.DESCRIPTOR.fields_by_name:
        return
    steps = [part.step for part in schedule.schedule]
    if steps != sorted(set(steps)):
        yield view.error(
            f"{path}.schedule",
            "the steps of the schedule are not in ascending order",
            found=", ".join(map(str, steps)),
            remedy="sort them, each once",
        )


def patterns(view: View) -> Problems:
    """Variables are named by regular expressions that are matched in linear time (RE2's)."""
    named = {
        "train_config.freeze_gradient": view.config.train_config.freeze_gradient,
        "model_config.restore_filters": view.model_config.restore_filters,
    }
    for path, given in named.items():
        for index, pattern in enumerate(given):
            fault = _fault(pattern)
            if fault:
                yield view.error(
                    f"{path}[{index}]",
                    f"not a regular expression: {fault}",
                    found=repr(pattern),
                    remedy="name variables, or write a pattern such as .*user_id.*",
                )


def _fault(pattern: str) -> str:
    """Returns what is wrong with a pattern, "" for nothing."""
    if re.search(r"\(\?<?[=!]|\\[1-9]|\(\?P=", pattern):
        return "it looks around, or refers back to a group"
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error)
    return ""


def clipping(view: View) -> Problems:
    """The norm to clip gradients to is not negative."""
    norm = view.config.train_config.gradient_clipping_by_norm
    if norm < 0:
        yield view.error(
            "train_config.gradient_clipping_by_norm",
            f"gradient_clipping_by_norm is {norm:g}",
            expected="a positive number, or 0 for no clipping",
        )


def deadline(view: View) -> Problems:
    """The deadline is a date and time."""
    text = view.config.train_config.dead_line
    try:
        datetime.strptime(text or "20000101 00:00:00", DEADLINE_FORMAT)
    except ValueError:
        yield view.error(
            "train_config.dead_line",
            "dead_line is not a date and time",
            expected="YYYYMMDD HH:MM:SS, local time",
            found=repr(text),
        )


def strategy(view: View) -> Problems:
    """The distribution strategy is offered."""
    name = enum_name(view.config.train_config, "train_distribute")
    if name in NEAREST:
        nearest, remains = NEAREST[name]
        yield view.error(
            "train_config.train_distribute",
            f"{name} is not offered",
            expected="one of " + ", ".join(OFFERED),
            nearest=nearest,
            remedy=f"use {nearest}: {remains}",
        )


RULES = (model_folder, ends, optimizers, patterns, clipping, deadline, strategy)
