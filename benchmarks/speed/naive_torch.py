"""The listwise DSSM in plain PyTorch: sparse gradients, `SparseAdam` for the tables."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.speed.naive import prepared, sides, values
from benchmarks.speed.naive_keras import RATE, TEMPERATURE, UNITS, WIDTH
from benchmarks.speed.worker import Numbers, windows

Bag = tuple[Any, Any]


def job(arguments: dict[str, Any]) -> tuple[Numbers, Callable[[], Numbers]]:
    """Makes the model and its batches as tensors; a window steps for about `seconds`."""
    parts, batches = prepared(arguments)
    # Where it is installed, torch's optimizers import it, and its LLVM crashes beside TensorFlow's.
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    import torch
    from torch import nn

    torch.manual_seed(1)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    towers = {side: _tower(nn, specs) for side, specs in sides(parts).items()}
    tables = [table for tower in towers.values() for table in tower["tables"].values()]
    optimizers = [
        torch.optim.SparseAdam([table.weight for table in tables], lr=RATE),
        torch.optim.Adam(
            [p for tower in towers.values() for p in tower["hidden"].parameters()], lr=RATE
        ),
    ]
    made = [_tensors(torch, parts, batch) for batch in batches]
    rows = int(next(iter(batches[0].labels.values())).shape[0])
    labels = torch.arange(rows)
    endless = itertools.cycle(made)

    def step() -> None:
        inputs = next(endless)
        user, item = (_encode(torch, towers[side], inputs[side]) for side in ("user", "item"))
        loss = nn.functional.cross_entropy(user @ item.T / TEMPERATURE, labels)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()

    def run(steps: int) -> None:
        for _ in range(steps):
            step()

    return {}, windows(run, rows, arguments["seconds"], tried=2)


def _tower(nn: Any, specs: list[Any]) -> dict[str, Any]:
    """Returns the tables, each a bag so that a missing id is a vector of zeros, and the layers."""
    tables = {
        spec.name: nn.EmbeddingBag(spec.rows, spec.dim, mode="sum", sparse=True) for spec in specs
    }
    layers: list[Any] = []
    width = sum(spec.dim for spec in specs)
    for units in UNITS:
        layers += [nn.Linear(width, units), nn.BatchNorm1d(units), nn.ReLU()]
        width = units
    return {"tables": tables, "hidden": nn.Sequential(*layers, nn.Linear(width, WIDTH))}


def _encode(torch: Any, tower: dict[str, Any], inputs: dict[str, Bag]) -> Any:
    fields = [table(*inputs[name]) for name, table in tower["tables"].items()]
    return torch.nn.functional.normalize(tower["hidden"](torch.cat(fields, dim=1)), dim=1)


def _tensors(torch: Any, parts: Any, batch: Any) -> dict[str, dict[str, Bag]]:
    """Returns side → feature → (ids, where each row begins)."""
    return {
        side: {name: _bag(torch, given) for name, given in features.items()}
        for side, features in values(parts, batch).items()
    }


def _bag(torch: Any, given: list[Any]) -> Bag:
    if hasattr(given[0].ids, "row_splits"):
        flat = given[0].ids.flat_values.numpy()
        return torch.from_numpy(flat), torch.from_numpy(given[0].ids.row_splits.numpy()[:-1])
    ids = np.concatenate([value.ids.numpy() for value in given])
    begins = np.concatenate([[0], np.cumsum(ids >= 0)[:-1]])
    return torch.from_numpy(ids[ids >= 0]), torch.from_numpy(begins)
