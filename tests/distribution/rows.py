"""The rows of three replicas, one of which has none, and what their losses are scaled by."""

ROWS: list[list[list[float]]] = [
    [[1.0, -2.0], [3.0, 0.5], [2.0, 2.0]],
    [],
    [[-1.0, 4.0], [7.0, 1.0]],
]
SCALES = (1.0, 2.0, 3.0)
IDS = (["b", "a", "b"], [], ["c", "a"])
