"""`compare`: metrics of runs, paired tests, protocols that differ, and errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyrec_lite import compare
from tests import commands
from tests.runs.ranked_runs import ITEMS, make_run, scores

HELD_OUT = [[int(item)] for item in np.random.default_rng(0).integers(0, ITEMS, 40)]


def compared(capsys: pytest.CaptureFixture[str], *argv: object) -> dict[str, Any]:
    assert commands.run(compare, [*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def printed(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    assert commands.run(compare, argv) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    assert commands.run(compare, argv) == 2
    return capsys.readouterr().err


def hits(values: np.ndarray, k: int, held_out: list[list[int]] = HELD_OUT) -> np.ndarray:
    """Whether the held-out item of each query is among the k best, by sorting."""
    best = np.argsort(-values, axis=1)[:, :k]
    return np.array([item in row for row, (item,) in zip(best, held_out, strict=True)], float)


def metric(comparison: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in comparison["full_ranking"] if each["name"] == name)
    return found


def test_differences_are_those_of_the_queries_one_by_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = scores(1), scores(2)
    for query, (item,) in enumerate(HELD_OUT):
        two[query, item] += 0.25
    first = make_run(tmp_path / "первый", one, HELD_OUT)
    second = make_run(tmp_path / "第二", two, HELD_OUT, edits={"train_config.num_steps": 7})
    found = compared(capsys, first, second)
    assert [run["name"] for run in found["runs"]] == ["первый", "第二"]
    (comparison,) = found["comparisons"]
    assert comparison["common_queries"] == 40
    assert (comparison["warnings"], comparison["refused"]) == ([], {})
    for k in (1, 5):
        of_one, of_two = hits(one, k), hits(two, k)
        given = metric(comparison, f"recall@{k}")
        assert (given["base"], given["run"]) == pytest.approx((of_one.mean(), of_two.mean()))
        assert given["difference"] == pytest.approx((of_two - of_one).mean())
        low, high = given["interval"]
        assert low <= given["difference"] <= high
        signs = np.random.default_rng(9).choice([-1, 1], (20_000, 40))
        differences = of_two - of_one
        p = (np.abs(signs @ differences) >= abs(differences.sum())).mean()
        assert given["p"] == pytest.approx(p, abs=0.02)
    assert metric(comparison, "coverage@5")["p"] is None
    assert comparison["config"] == [
        {"path": "train_config.num_steps", "before": "1000", "after": "7"}
    ]


def test_two_equal_runs_differ_by_0_with_p_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [make_run(tmp_path / name, scores(1), HELD_OUT) for name in "ab"]
    (comparison,) = compared(capsys, *folders)["comparisons"]
    tested = [each for each in comparison["full_ranking"] if each["p"] is not None]
    assert len(tested) == 10
    for each in tested:
        assert (each["difference"], each["interval"], each["p"]) == (0, [0, 0], 1)
    assert comparison["config"] == []


def test_one_query(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.arange(ITEMS, dtype=np.float32)[None]
    folders = [
        make_run(tmp_path / "a", values, [[ITEMS - 1]]),
        make_run(tmp_path / "b", -values, [[ITEMS - 1]]),
    ]
    (comparison,) = compared(capsys, *folders)["comparisons"]
    given = metric(comparison, "recall@1")
    assert (given["difference"], given["interval"], given["p"]) == (-1, [-1, -1], 1)


def test_the_order_of_the_queries_is_of_no_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values, order = scores(1), np.random.default_rng(4).permutation(40)
    names = [f"é{query}" for query in range(40)]
    folders = [
        make_run(tmp_path / "a", values, HELD_OUT, names),
        make_run(
            tmp_path / "b",
            values[order],
            [HELD_OUT[query] for query in order],
            [names[query] for query in order],
        ),
    ]
    (comparison,) = compared(capsys, *folders)["comparisons"]
    assert comparison["common_queries"] == 40
    assert metric(comparison, "ndcg@5")["difference"] == 0


def test_several_queries_of_a_user_are_matched_and_drawn_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With two users, p is at least 2 / 4, however many rows they have."""
    names = ["one"] * 20 + ["other"] * 20
    better = scores(2)
    for query, (item,) in enumerate(HELD_OUT):
        better[query, item] = 2
    folders = [
        make_run(tmp_path / "a", scores(1), HELD_OUT, names),
        make_run(tmp_path / "b", better, HELD_OUT, names),
    ]
    (comparison,) = compared(capsys, *folders)["comparisons"]
    assert comparison["common_queries"] == 40
    assert metric(comparison, "recall@1")["p"] == 0.5


def test_no_common_query_refuses_the_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = [f"another {query}" for query in range(40)]
    folders = [
        make_run(tmp_path / "a", scores(1), HELD_OUT),
        make_run(tmp_path / "b", scores(2), HELD_OUT, others),
    ]
    (comparison,) = compared(capsys, *folders)["comparisons"]
    assert comparison["common_queries"] == 0
    assert "no query is common" in comparison["refused"]["kept"]
    assert all(each["p"] is None for each in comparison["full_ranking"])
    text = printed(capsys, *folders)
    assert "NO TEST" in text
    assert "0 in common" in text


def test_other_held_out_items_leave_the_common_queries(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = [[(item + (query < 10)) % ITEMS] for query, (item,) in enumerate(HELD_OUT)]
    one, two = scores(1), scores(2)
    folders = [
        make_run(tmp_path / "a", one, HELD_OUT),
        make_run(tmp_path / "b", two, other, data="later.csv"),
    ]
    (comparison,) = compared(capsys, *folders)["comparisons"]
    assert comparison["common_queries"] == 30
    (warning,) = comparison["warnings"]
    assert all(said in warning for said in ("held-out", "test.csv", "later.csv", "30"))
    difference = (hits(two, 5, other) - hits(one, 5))[10:].mean()
    assert metric(comparison, "recall@5")["difference"] == pytest.approx(difference)


@pytest.mark.parametrize(
    ("changes", "said", "tested"),
    [
        ({"items_digest": "j", "item_table": "neu.txt"}, "item tables differ", False),
        ({"query": "a row"}, "queries differ", False),
        ({"seen_digest": "t", "seen_rows": 10}, "seen data differ", True),
    ],
)
def test_another_protocol_is_told_and_refuses_what_it_spoils(
    changes: dict[str, Any],
    said: str,
    tested: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folders = [
        make_run(tmp_path / "a", scores(1), HELD_OUT),
        make_run(tmp_path / "b", scores(2), HELD_OUT, **changes),
    ]
    (comparison,) = compared(capsys, *folders)["comparisons"]
    (warning,) = comparison["warnings"]
    assert said in warning
    assert (comparison["refused"] == {}) == tested
    assert (metric(comparison, "recall@5")["p"] is not None) == tested
    assert "WARNING" in printed(capsys, *folders)


def test_other_seen_data_spoil_only_the_lists_without_seen_items(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = ["excluded", "kept"]
    folders = [
        make_run(tmp_path / "a", scores(1), HELD_OUT, seen=rules),
        make_run(tmp_path / "b", scores(2), HELD_OUT, seen=rules, seen_digest="t"),
        make_run(tmp_path / "c", scores(2), HELD_OUT),
    ]
    second, third = compared(capsys, *folders)["comparisons"]
    assert list(second["refused"]) == ["excluded"]
    tested = {(row["seen"], row["p"] is not None) for row in second["full_ranking"]}
    assert {("excluded", False), ("kept", True)} <= tested
    assert ("excluded", True) not in tested
    assert {row["seen"] for row in third["full_ranking"]} == {"kept"}
    assert ["seen rules" in warning for warning in third["warnings"]] == [True]


def test_all_runs_stand_beside_the_base(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [make_run(tmp_path / f"run{at}", scores(at), HELD_OUT, step=at) for at in range(3)]
    found = compared(capsys, *folders, "--base", f"{folders[2]}/", "--metrics", "recall@5,ndcg@1")
    assert [run["name"] for run in found["runs"]] == ["run2", "run0", "run1"]
    assert [run["step"] for run in found["runs"]] == [2, 0, 1]
    assert [run["metrics"] for run in found["runs"]] == [{"recall@1": 0.25}] * 3
    assert [each["run"] for each in found["comparisons"]] == ["run0", "run1"]
    for each in found["comparisons"]:
        assert {row["name"] for row in each["full_ranking"]} == {"recall@5", "ndcg@1"}
    text = printed(capsys, *folders)
    assert f"{hits(scores(1), 5).mean():.5f}" in text
    assert "run1 minus run0, over 40 common queries" in text


def test_runs_of_one_name_are_told_apart_by_their_paths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [make_run(tmp_path / each / "run", scores(1), HELD_OUT) for each in "ab"]
    found = compared(capsys, *folders)
    assert [run["name"] for run in found["runs"]] == list(map(str, folders))


def test_metrics_of_another_step_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [make_run(tmp_path / each, scores(1), HELD_OUT) for each in "ab"]
    later = {"global_step": 9, "recall@1": 1.0}
    (folders[1] / "eval_result.json").write_text(json.dumps(later), encoding="utf-8")
    assert compared(capsys, *folders)["runs"][1]["metrics"] == {}
    line = json.dumps({"step": 5, "metrics": {"auc": 0.5, "full_ranking/kept/map@5": 1}})
    (folders[1] / "evaluations.jsonl").write_text(f"{line}\n", encoding="utf-8")
    assert compared(capsys, *folders)["runs"][1]["metrics"] == {"auc": 0.5}


def test_all_runs_that_cannot_be_compared_are_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = make_run(tmp_path / "good", scores(1), HELD_OUT)
    unranked = make_run(tmp_path / "unranked ü", scores(1), HELD_OUT)
    (unranked / "ranking.json").unlink()
    older = make_run(tmp_path / "older", scores(1), HELD_OUT)
    (older / "ranking_queries.parquet").unlink()
    mixed = make_run(tmp_path / "mixed", scores(1), HELD_OUT)
    content = json.loads((mixed / "ranking.json").read_text("utf-8")) | {"step": 4}
    (mixed / "ranking.json").write_text(json.dumps(content), encoding="utf-8")
    broken = make_run(tmp_path / "broken", scores(1), HELD_OUT)
    (broken / "ranking.json").write_text("{", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    given = [good, unranked, older, mixed, broken, tmp_path / "empty", tmp_path / "god", good]
    told = refused(capsys, *given)
    for folder in given[1:-1]:
        assert str(folder) in told
    config = f"'{unranked}/pipeline.config'"
    assert f"easyrec_lite.evaluate --config {config} --full_ranking" in told
    for said in ("step 5", "step 4", "damaged", "twice", "nearest"):
        assert said in told


def test_one_run_and_unknown_metrics_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(tmp_path / "a", scores(1), HELD_OUT)
    other = make_run(tmp_path / "b", scores(1), HELD_OUT)
    assert "one run alone" in refused(capsys, folder)
    told = refused(capsys, folder, other, "--metrics", "recal@5,hit@1")
    assert "recal@5" in told
    assert "hit@1" in told
    assert "nearest:  recall@5" in told


def test_it_imports_no_tensorflow(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / each, scores(1), HELD_OUT) for each in "ab"]
    code = (
        "import sys; from easyrec_lite.runs.compare import compare; "
        "compare(sys.argv[1:], None, [], False); "
        "assert not {'tensorflow', 'keras'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code, *map(str, folders)], check=True)
