from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from easyrec_lite.core.errors import DataError
from easyrec_lite.data.samplers.sampler import Sampler
from easyrec_lite.protos.messages import DatasetConfig
from tests.data.samplers.test_samplers import data_config, ids, opened, sample, samples, write_items

EDGES = "userid:int64\titemid:int64\tweight:float\n"


def edge_config(folder: Path, kind: str, count: int = 10, **options: object) -> DatasetConfig:
    config = data_config()
    message = getattr(config, kind)
    message.user_input_path = "not read"
    message.item_input_path = write_items(folder / "items.txt", dict.fromkeys(range(count), 1.0))
    message.item_id_field, message.user_id_field = "item", "user"
    message.attr_fields.extend(["item", "tags", "price"])
    message.num_sample = 4
    for name, value in options.items():
        setattr(message, name, value)
    return config


def write_edges(path: Path, lines: list[str], header: str = EDGES) -> str:
    path.write_text(header + "".join(f"{line}\n" for line in lines))
    return str(path)


def hard_sampler(
    folder: Path, lines: list[str], kind: str = "hard_negative_sampler", **options: object
) -> Sampler:
    path = write_edges(folder / "hard.txt", lines)
    options = {"num_hard_sample": 2, **options}
    return opened(edge_config(folder, kind, hard_neg_edge_input_path=path, **options))


@pytest.mark.parametrize("header", [EDGES, "userid\titemid\tweight\n"])
def test_items_with_a_positive_edge_are_not_drawn(tmp_path: Path, header: str) -> None:
    edges = write_edges(tmp_path / "e", ["u\t1\t1", "u\t2\t1", "u\t9\t0", "w\t3\t1"], header)
    config = edge_config(tmp_path, "negative_sampler_v2", pos_edge_input_path=edges)
    sampler = opened(config)
    drawn = [ids(made) for made in samples(sampler, ["0", "5"], range(10), ["u", "stranger"])]
    assert all(len(set(items)) == 4 for items in drawn)
    assert set(np.ravel(drawn)) == {3, 4, 6, 7, 8, 9}
    assert sample(sampler, ["0"], 0, ["u"]).hard_pairs is None


def test_positive_edges_of_all_rows_count_together(tmp_path: Path) -> None:
    edges = write_edges(tmp_path / "e", [f"u\t{i}\t1" for i in range(6)] + ["w\t8\t1", "w\t9\t1"])
    sampler = opened(edge_config(tmp_path, "negative_sampler_v2", pos_edge_input_path=edges))
    assert ids(sample(sampler, ["0", "0"], 0, ["w", "u"])) == [6, 7]


def test_hard_items_follow_the_sampled_ones(tmp_path: Path) -> None:
    sampler = hard_sampler(tmp_path, ["u\t7\t1", "w\t8\t1", "w\t7\t2", "x\t1\t1"])
    negatives = sample(sampler, ["0", "1", "2"], 0, ["w", "nobody", "u"])
    assert negatives.hard_pairs is not None
    pairs = negatives.hard_pairs.numpy()
    items = ids(negatives)
    assert {(row, items[item]) for row, item in pairs} == {(0, 7), (0, 8), (2, 7)}
    assert set(pairs[:, 1]) == {4, 5}
    assert len(items) == 6
    assert negatives.features["item"].ids.numpy().tolist() == items


def test_a_batch_without_hard_edges(tmp_path: Path) -> None:
    sampler = hard_sampler(tmp_path, ["u\t7\t1"])
    negatives = sample(sampler, ["0"], 0, ["w"])
    assert negatives.hard_pairs is not None
    assert negatives.hard_pairs.shape == (0, 2)
    assert len(ids(negatives)) == 4


@pytest.mark.parametrize("kind", ["hard_negative_sampler", "negative_sampler_v2"])
def test_edges_that_all_lead_nowhere_are_refused(tmp_path: Path, kind: str) -> None:
    path = write_edges(
        tmp_path / "edges", ["u\t7.0\t1", "u\t8.0\t1"], EDGES.replace("int64", "string")
    )
    hard = {"hard_neg_edge_input_path": path, "num_hard_sample": 2}
    options = hard if kind == "hard_negative_sampler" else {"pos_edge_input_path": path}
    with pytest.raises(DataError) as error:
        opened(edge_config(tmp_path, kind, **options))
    (problem,) = error.value.problems
    assert problem.place.file == path
    assert "2 of 2 edges" in problem.message
    assert "7.0" in problem.found
    assert "'7'" in problem.expected or "'0'" in problem.expected


def test_some_edges_that_lead_nowhere_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        sampler = hard_sampler(tmp_path, ["u\t70\t1", "u\t71\t1", "u\t5\t1"])
    assert "2 of 3 edges" in caplog.text
    assert "'70', '71'" in caplog.text
    negatives = sample(sampler, ["0"], 0, ["u"])
    assert negatives.hard_pairs is not None
    assert negatives.hard_pairs.shape == (1, 2)
    assert ids(negatives)[-1] == 5


def test_a_row_gets_at_most_its_number_and_never_its_own_item(tmp_path: Path) -> None:
    sampler = hard_sampler(tmp_path, ["u\t1\t1", "u\t2\t1", "u\t3\t1", "u\t4\t0"])
    seen = set()
    for negatives in samples(sampler, ["2", "9"], range(30), ["u", "u"]):
        assert negatives.hard_pairs is not None
        items = ids(negatives)
        pairs = [(int(owner), items[item]) for owner, item in negatives.hard_pairs.numpy()]
        assert {item for owner, item in pairs if owner == 0} == {1, 3}
        assert len(pairs) == len(set(pairs)) == 4
        seen |= {frozenset(item for owner, item in pairs if owner == 1)}
    assert seen == {frozenset(pair) for pair in [(1, 2), (1, 3), (2, 3)]}


def test_both_kinds_of_edges(tmp_path: Path) -> None:
    positive = write_edges(tmp_path / "pos", [f"u\t{i}\t1" for i in range(1, 7)])
    kind = "hard_negative_sampler_v2"
    sampler = hard_sampler(tmp_path, ["u\t9\t1"], kind, pos_edge_input_path=positive)
    negatives = sample(sampler, ["0"], 0, ["u"])
    assert ids(negatives) == [7, 8, 9, 9]
    assert negatives.hard_pairs is not None
    assert negatives.hard_pairs.numpy().tolist() == [[0, 3]]


def test_hard_choice_depends_on_seed_and_position(tmp_path: Path) -> None:
    lines = [f"u\t{i}\t1" for i in range(1, 10)]

    def pairs(rows: list[int]) -> list[tuple[int, ...]]:
        made = samples(hard_sampler(tmp_path, lines), ["0"], rows, ["u"])
        return [tuple(ids(negatives)[4:]) for negatives in made]

    ahead = pairs([0, 1, 2, 3])
    assert pairs([3, 2, 1, 0]) == ahead[::-1]
    assert len(set(ahead)) > 1


def test_bad_edges_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        hard_sampler(tmp_path, ["u\t1\t1", "\t1\t1", "u\t\t1", "u\t1\t-1"])
    assert [problem.place.line for problem in caught.value.problems] == [3, 4, 5]
