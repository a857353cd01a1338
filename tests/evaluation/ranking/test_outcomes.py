"""The file of each query's outcome."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from easyrec_lite.core.errors import DataError
from easyrec_lite.evaluation.ranking import EXCLUDED, KEPT, rank
from easyrec_lite.evaluation.ranking.metrics import NOWHERE
from easyrec_lite.evaluation.ranking.outcomes import FILE, QueryOutcomes, read_outcomes


def outcomes() -> QueryOutcomes:
    """Four queries, of which the third has nothing held out, and the last an unknown item."""
    scores = np.array([[4, 3, 2, 1], [1, 2, 3, 4], [1, 1, 1, 1], [4, 3, 2, 1]], np.float32)
    ranking = rank(scores, np.eye(4), [[0, 3], [0], [], [-1, 1]], [[0], [], [], [0]], [2])
    return QueryOutcomes.of(ranking, ["Zoë", "用户", "no", ""], np.array(["ä", "b", "c", "д"]))


def test_the_file_has_a_row_for_each_held_out_item_with_places_from_1(tmp_path: Path) -> None:
    outcomes().write(tmp_path, 7)
    table = pq.read_table(tmp_path / FILE).to_pydict()
    rows = sorted(
        zip(*(table[n] for n in ("query", "user", "item", "kept", "excluded")), strict=True),
        key=str,
    )
    assert rows == [
        (0, "Zoë", "ä", 1, None),
        (0, "Zoë", "д", None, None),
        (1, "用户", "ä", None, None),
        (3, "", "b", 2, 1),
        (3, "", None, None, None),
    ]


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    outcomes().write(tmp_path, 7)
    step, found = read_outcomes(tmp_path)
    assert step == 7
    for name in ("users", "queries", "items"):
        assert getattr(found, name).tolist() == getattr(outcomes(), name).tolist()
    assert set(found.places) == {EXCLUDED, KEPT}
    for seen, places in outcomes().places.items():
        assert found.places[seen].tolist() == places.tolist()
    assert NOWHERE in found.places[KEPT]


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more"])
def test_a_damaged_file_is_told_with_its_path(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(DataError) as error:
        read_outcomes(tmp_path)
    (problem,) = error.value.problems
    assert problem.place.file == str(tmp_path / FILE)
    assert "full_ranking" in problem.remedy
