"""The rows of three replicas, one of which has none, and what their losses are scaled by."""

ROWS: list[list[list[float]]] = [
    [[1.0, -2.0], [3.0, 0.5], [2.0, 2.0]],
    [],
    [[-1.0, 4.0], [7.0, 1.0]],
]
SCALES = (1.0, 2.0, 3.0)
IDS = (["b", "a", "b"], [], ["c", "a"])
# The items that each replica samples, and the losses over candidates that are compared.
SAMPLED = (["a", "z"], ["b"], [])
SAMPLED_ROWS: list[list[list[float]]] = [[[0.5, 1.0], [-1.0, 0.2]], [[0.3, -0.4]], []]
LOSSES = ("DECOUPLED_CONTRASTIVE_LOSS", "COSINE_CONTRASTIVE_LOSS", "GBCE_LOSS")
