"""DSSM_SENet against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.models.retrieval.small import LISTWISE, SENET_TOWERS, batch, make

MODEL = f'model_class: "DSSM_SENet" {LISTWISE} dssm_senet {{ {SENET_TOWERS} %s }}'


def tower(v: dict[str, np.ndarray], side: str, fields: list[np.ndarray]) -> np.ndarray:
    """SENet without skip or norm; DNN with moving statistics; normalised."""
    z = []
    for field in fields:
        halves = np.split(field, 2, axis=1)
        z += [half.max(1) for half in halves] + [half.mean(1) for half in halves]
    x = np.stack(z, axis=1)
    x = np.maximum(x @ v[f"{side}_senet/reduce/kernel"] + v[f"{side}_senet/reduce/bias"], 0)
    x = x @ v[f"{side}_senet/excite/kernel"] + v[f"{side}_senet/excite/bias"]
    x = x * np.concatenate(fields, axis=1)
    x = x @ v[f"{side}_dnn/dnn_0/kernel"] + v[f"{side}_dnn/dnn_0/bias"]
    x = np.maximum(x / np.sqrt(1 + 1e-3), 0)
    x = x @ v[f"{side}_dnn/dnn_1/kernel"] + v[f"{side}_dnn/dnn_1/bias"]
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_towers() -> None:
    model = make(MODEL % "")
    v = {name: variable.numpy() for name, variable in model.variables_by_name().items()}
    given = batch(sampled=0)
    found = model(given, training=False).predictions
    for side in ("user", "item"):
        fields = [np.asarray(field) for field in model.embeddings(side, given.features)]
        expected = tower(v, side, fields)
        np.testing.assert_allclose(found[f"{side}_tower_emb"], expected, rtol=1e-4, atol=1e-5)


def test_the_message_s_skip_and_norm_have_no_effect() -> None:
    more = "user_tower { senet { use_skip_connection: %s use_output_layer_norm: %s } }"
    outputs: list[Any] = [
        make(MODEL % (more % flags))(batch(), training=False).predictions["logits"]
        for flags in (("true", "true"), ("false", "false"))
    ]
    np.testing.assert_array_equal(*outputs)


def test_regularisation_takes_the_first_senet_kernel_alone() -> None:
    model = make(MODEL % "l2_regularization: 2")
    kernels = [
        variable.numpy()
        for name, variable in model.trainable.items()
        if name.endswith("kernel") and "excite" not in name
    ]
    assert len(kernels) == 6
    expected = sum(np.square(kernel).sum() for kernel in kernels)
    found = model(batch(), training=True).penalties["kernels"]
    assert float(found) == pytest.approx(expected, rel=1e-5)
