"""SENet against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from easyrec_lite.core.errors import ConfigError
from easyrec_lite.layers.senet.layer import SENet

RNG = np.random.default_rng(4)
WIDTHS = (4, 6, 2)
FIELDS = [RNG.normal(size=(5, width)).astype(np.float32) for width in WIDTHS]


def built(**arguments: object) -> SENet:
    layer = SENet(name="senet", **arguments)
    layer.build([(None, width) for width in WIDTHS])
    return layer


def squeezed(fields: list[np.ndarray], groups: int) -> np.ndarray:
    """One number at a time."""
    rows = []
    for row in range(len(fields[0])):
        z: list[float] = []
        for field in fields:
            parts = np.split(field[row], groups)
            z += [part.max() for part in parts] + [part.mean() for part in parts]
        rows.append(z)
    return np.array(rows)


def reweighted(layer: SENet, groups: int) -> np.ndarray:
    v = {variable.path: variable.numpy() for variable in layer.variables}
    z = squeezed(FIELDS, groups)
    hidden = np.maximum(z @ v["senet/reduce/kernel"] + v["senet/reduce/bias"], 0)
    weights = hidden @ v["senet/excite/kernel"] + v["senet/excite/bias"]
    return weights * np.concatenate(FIELDS, axis=1)


@pytest.mark.parametrize("groups", [1, 2])
def test_without_skip_and_norm(groups: int) -> None:
    layer = built(
        num_squeeze_group=groups,
        reduction_ratio=2,
        use_skip_connection=False,
        use_output_layer_norm=False,
    )
    assert layer.kernels[0].shape == (6 * groups, 3 * groups)
    np.testing.assert_allclose(layer(FIELDS), reweighted(layer, groups), rtol=1e-4, atol=1e-6)


def test_with_skip_and_norm() -> None:
    layer = built()
    fields = reweighted(layer, 2) + np.concatenate(FIELDS, axis=1)
    centred = fields - fields.mean(axis=1, keepdims=True)
    expected = centred / np.sqrt(fields.var(axis=1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(layer(FIELDS), expected, rtol=1e-4, atol=1e-5)


def test_one_row_and_a_narrowing_to_one() -> None:
    layer = built(reduction_ratio=1000)
    assert layer.kernels[0].shape == (12, 1)
    one = layer([field[:1] for field in FIELDS])
    np.testing.assert_allclose(one, layer(FIELDS)[:1], rtol=1e-5, atol=1e-6)


def test_initialisers() -> None:
    def spread(initializer: str) -> np.ndarray:
        layer = SENet(
            reduction_ratio=1, reduce_initializer=initializer, use_output_layer_norm=False, seed=5
        )
        layer.build([(None, 16)] * 50)
        kernel = layer.kernels[0].numpy()
        return kernel.std() * np.sqrt(200)

    assert spread("he_normal") == pytest.approx(np.sqrt(2), rel=0.05)
    assert spread("glorot_uniform") == pytest.approx(1, rel=0.05)


def test_widths_that_groups_do_not_divide_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"multiples of 3.*\n.*4, 6, 2"):
        built(num_squeeze_group=3)
