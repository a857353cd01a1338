"""A Transformer over histories in plain PyTorch: `torch.nn.TransformerEncoder`."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.speed.naive import prepared
from benchmarks.speed.sequence import padded, sizes
from benchmarks.speed.sequence_keras import RATE
from benchmarks.speed.worker import Numbers, windows

AFTER = -100


def job(arguments: dict[str, Any]) -> tuple[Numbers, Callable[[], Numbers]]:
    """Makes the model and its padded batches as tensors; a window steps for about `seconds`."""
    parts, batches = prepared(arguments)
    # Where it is installed, torch's optimizers import it, and its LLVM crashes beside TensorFlow's.
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    import torch
    from torch import nn

    torch.manual_seed(1)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    size = sizes(parts)
    model = _model(torch, nn, size)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    made = [_tensors(torch, batch, size["most"]) for batch in batches]
    endless = itertools.cycle(made)

    def run(steps: int) -> None:
        for _ in range(steps):
            inputs, targets = next(endless)
            logits = model(inputs).flatten(0, 1)
            loss = nn.functional.cross_entropy(logits, targets.flatten(), ignore_index=AFTER)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    return {}, windows(run, len(made[0][0]), arguments["seconds"], tried=2)


def _tensors(torch: Any, batch: Any, most: int) -> tuple[Any, Any]:
    inputs, targets, _ = padded(batch, most)
    targets[inputs == 0] = AFTER
    return torch.from_numpy(inputs), torch.from_numpy(targets)


def _model(torch: Any, nn: Any, size: dict[str, Any]) -> Any:
    width = size["width"]

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            # Padding, the start, then the items.
            self.table = nn.Embedding(size["items"] + 2, width)
            self.places = nn.Embedding(size["most"] + 1, width)
            layer = nn.TransformerEncoderLayer(
                width,
                size["heads"],
                4 * width,
                size["dropout"],
                "gelu",
                batch_first=True,
                norm_first=True,
            )
            norm = nn.LayerNorm(width, eps=1e-6)
            self.encoder = nn.TransformerEncoder(
                layer, size["layers"], norm, enable_nested_tensor=False
            )
            self.drop = nn.Dropout(size["dropout"])

        def forward(self, ids: Any) -> Any:
            length = ids.shape[1]
            steps = self.drop(self.table(ids) + self.places(torch.arange(length)))
            ahead = torch.ones(length, length, dtype=torch.bool).triu(1)
            steps = self.encoder(steps, ahead, src_key_padding_mask=ids == 0, is_causal=True)
            return steps @ self.table.weight[2:].T

    return Encoder()
