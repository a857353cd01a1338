"""evaluate --full_ranking in a process of its own, against the export's recommender and numpy."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from easyrec_lite.config import loads
from easyrec_lite.core.errors import ConfigError, DataError, Place
from easyrec_lite.evaluation.ranking import ABSENT
from easyrec_lite.evaluation.ranking import full as full_module
from easyrec_lite.evaluation.ranking.full import FullRanking
from easyrec_lite.evaluation.ranking.history import InteractionHistory
from easyrec_lite.evaluation.ranking.intervals import interval, resampled_means
from easyrec_lite.evaluation.ranking.sets import ItemSets
from easyrec_lite.models.assembly import build
from easyrec_lite.runs.estimator import Estimator
from easyrec_lite.serving.saved_model import SavedModel
from easyrec_lite.training.checkpoint_files import find_checkpoint
from easyrec_lite.training.weights import load_weights
from tests.evaluation.ranking import brute_force
from tests.serving import exported
from tests.serving.exported import BRANDS, IDS
from tests.serving.ranking import exact, tensors

EVALUATE = (sys.executable, "-m", "easyrec_lite.evaluate", "--config")
KS = (1, 3, 20)
# Held out: users 0 … 5 known, 777 new; an item that the table lacks; a user twice, an item twice.
HELD_OUT = [
    (0, "Wien", "", "ёлка"),
    (1, "北京", "é|e", "商品二"),
    (0, "Graz", "x|y", "no such item"),
    (0, "Graz", "x|y", "ёлка"),
    (2, "Łódź", "商品一", "007"),
    (777, "", "", "z2"),
    (3, "Wien", "42", "a b"),
    (2, "Łódź", "商品一", "商品二"),
]
USERS = [0, 1, 2, 777, 3]
FIRST_ROWS = [0, 1, 4, 5, 6]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained model and its export, and `held_out.csv`."""
    folder = tmp_path_factory.mktemp("ranking")
    exported.write_data(folder)
    lines = [f"1,{user},{city},{history},{item},brand,0" for user, city, history, item in HELD_OUT]
    (folder / "held_out.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    Estimator(pipeline(folder)).train_and_evaluate()
    return folder


def pipeline(folder: Path, **options: Any) -> Any:
    given = {"topk": list(KS), "group_by": ["brand", "city"], **options}
    edits = {
        "eval_input_path": str(folder / "held_out.csv"),
        "eval_config.full_ranking": given,
        "data_config.eval_batch_size": 3,
    }
    return exported.pipeline(folder, **edits)


def seen_items(folder: Path) -> list[list[str]]:
    rows = list(csv.reader((folder / "rows.csv").open(encoding="utf-8")))
    return [sorted({row[4] for row in rows if int(row[1]) == user}) for user in USERS]


def held_out_items() -> list[list[str]]:
    return [sorted({row[3] for row in HELD_OUT if row[0] == user}) for user in USERS]


def first_rows() -> dict[str, list]:
    """Columns of the users' first rows, an empty city as the default of its field."""
    rows = [HELD_OUT[at] for at in FIRST_ROWS]
    cities = [row[1] or "Wien" for row in rows]
    return {"user_id": [r[0] for r in rows], "city": cities, "history": [r[2] for r in rows]}


def numbers(items: list[str]) -> list[int]:
    return [IDS.index(item) if item in IDS else ABSENT for item in items]


def test_a_fresh_process_agrees_with_the_exported_vectors(folder: Path) -> None:
    (folder / "model" / "ranking.json").unlink()
    pipeline(folder)
    done = subprocess.run(
        [
            *(*EVALUATE, folder / "tiny.config", "--eval_input_path", folder / "held_out.csv"),
            *("--full_ranking", "--topk", "1,3,20", "--group_by", "brand,city"),
        ],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    report = json.loads((folder / "model" / "ranking.json").read_text(encoding="utf-8"))
    vectors = np.load(folder / "model" / "export" / "final" / "5" / "item_vectors.npy")
    tower = SavedModel(folder / "model" / "export" / "final" / "5" / "user_tower")
    scores = tower(**tensors(first_rows()))["user_tower_emb"].numpy() @ vectors.T
    held_out, seen = map(numbers_of_all, (held_out_items(), seen_items(folder)))
    for rule in ("excluded", "kept"):
        expected, _ = brute_force.metrics(scores.tolist(), held_out, seen, KS, rule)
        (row,) = (r for r in report["rows"] if (r["scorer"], r["seen"]) == ("model", rule))
        assert row["metrics"] == pytest.approx(expected, abs=1e-9)
    assert {(row["scorer"], row["seen"]) for row in report["rows"]} == {
        (scorer, rule)
        for scorer in ("model", "popularity", "random")
        for rule in ("excluded", "kept")
    }
    protocol = report["protocol"]
    counts = {name: protocol[name] for name in ("items", "queries", "held_out", "seen", "rows")}
    assert counts == {
        "items": 13,
        "queries": 5,
        "held_out": 7,
        "seen": ["excluded", "kept"],
        "rows": 8,
    }
    assert protocol["held_out_not_in_table"] == 1
    again = sum(len({*a} & {*b}) for a, b in zip(held_out_items(), seen_items(folder), strict=True))
    assert protocol["held_out_seen"] == again
    assert (report["step"], Path(report["checkpoint"]).name) == (5, "model.ckpt-5")
    for said in ("items 13, queries 5, held-out items 7", "pseudo-random", "recall@1 (in-batch)"):
        assert said in done.stdout
    assert report["verdict"]["metric"] == "recall@3"
    assert f"verdict: {report['verdict']['text']}" in done.stdout
    assert "95 % interval" in done.stdout


def test_the_file_of_queries_gives_the_metrics_again(folder: Path) -> None:
    report = run(folder)
    table = pq.read_table(folder / "model" / "ranking_queries.parquet").to_pylist()
    users = list(dict.fromkeys(row["user"] for row in sorted(table, key=lambda r: r["query"])))
    assert users == [str(user) for user in USERS]
    held_out = {user: [row["item"] for row in table if row["user"] == user] for user in users}
    for user, wanted in zip(users, held_out_items(), strict=True):
        known = [item for item in wanted if item in IDS]
        assert sorted(held_out[user], key=str) == sorted(
            known + [None] * (len(wanted) - len(known)), key=str
        )
    for seen in ("excluded", "kept"):
        (row,) = (r for r in report["rows"] if (r["scorer"], r["seen"]) == ("model", seen))
        for k in KS:
            hits = {
                user: [r[seen] is not None and r[seen] <= k for r in table if r["user"] == user]
                for user in users
            }
            recall = sum(sum(each) / len(each) for each in hits.values()) / len(users)
            assert row["metrics"][f"recall@{k}"] == pytest.approx(recall)
            low, high = row["interval"][f"recall@{k}"]
            assert low <= recall <= high


def test_item_knn_stands_beside_the_other_baselines(folder: Path) -> None:
    report = run(folder, item_knn=True)
    rows = list(csv.reader((folder / "rows.csv").open(encoding="utf-8")))
    everyone = {user: {row[4] for row in rows if row[1] == user} for _, user, *_ in rows}
    users_of = {item: {u for u, items in everyone.items() if item in items} for item in IDS}

    def cosine(one: str, other: str) -> float:
        both = len(users_of[one] & users_of[other])
        return both / (len(users_of[one]) * len(users_of[other])) ** 0.5 if both else 0.0

    scores = [
        [sum(cosine(item, other) for other in seen if other != item) for item in IDS]
        for seen in seen_items(folder)
    ]
    held_out, seen = map(numbers_of_all, (held_out_items(), seen_items(folder)))
    for rule in ("excluded", "kept"):
        (row,) = (r for r in report["rows"] if (r["scorer"], r["seen"]) == ("item-kNN", rule))
        expected, _ = brute_force.metrics(scores, held_out, seen, (20,), rule)
        assert row["metrics"]["recall@20"] == pytest.approx(expected["recall@20"])
        assert set(row["difference"]) == set(row["interval"])
    assert "item-kNN" in report["verdict"]["text"]


def test_intervals_follow_the_seed(folder: Path) -> None:
    found = [
        [row["interval"] for row in run(folder)["rows"]],
        [row["interval"] for row in run(folder)["rows"]],
    ]
    assert found[0] == found[1]


def numbers_of_all(sets: list[list[str]]) -> list[list[int]]:
    return [numbers(items) for items in sets]


def test_lists_are_those_of_the_recommender_item_by_item(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rankings = []

    def rank(*args: Any, **kwargs: Any) -> Any:
        rankings.append(real(*args, **kwargs, keep_lists=True))
        return rankings[-1]

    real = full_module.rank
    monkeypatch.setattr(full_module, "rank", rank)
    made = build(pipeline(folder))
    load_weights(find_checkpoint(folder / "model"), made.model, False)
    FullRanking(made, str(folder / "held_out.csv"), str(folder / "rows.csv")).run(5, "")
    (ranking,) = rankings
    export = folder / "model" / "export" / "final" / "5"
    model = SavedModel(export / "recommender")
    for rule, barred in (("kept", [[]] * 5), ("excluded", seen_items(folder))):
        ids, _ = exact(export, first_rows(), barred)
        asked = tf.ragged.constant(barred, tf.string, 1).to_tensor("")
        found = model(**tensors(first_rows()), seen_item_ids=asked, k=tf.constant(20))
        served = [[i.decode() for i in row if i] for row in found["item_ids"].numpy()]
        lists = ranking.outcomes[rule].lists
        ours = [[IDS[item] for item in row if item != ABSENT] for row in lists]
        assert ours == served == ids


def run(folder: Path, **options: Any) -> dict[str, Any]:
    made = build(pipeline(folder, **options))
    load_weights(find_checkpoint(folder / "model"), made.model, False)
    ranking = FullRanking(made, str(folder / "held_out.csv"), str(folder / "rows.csv"))
    ranking.run(5, "").write(folder / "model")
    return json.loads((folder / "model" / "ranking.json").read_text(encoding="utf-8"))


def test_groups_are_rankings_of_their_own_held_out_items(folder: Path) -> None:
    report = run(folder)
    vectors = np.load(folder / "model" / "export" / "final" / "5" / "item_vectors.npy")
    tower = SavedModel(folder / "model" / "export" / "final" / "5" / "user_tower")
    scores = (tower(**tensors(first_rows()))["user_tower_emb"].numpy() @ vectors.T).tolist()
    seen, held_out = numbers_of_all(seen_items(folder)), numbers_of_all(held_out_items())
    groups = {(g["by"], g["value"], g["seen"]): g for g in report["groups"]}
    cities = first_rows()["city"]

    def check(by: str, value: str, parts: list[list[int]]) -> None:
        for rule in ("excluded", "kept"):
            expected, _ = brute_force.metrics(scores, parts, seen, KS, rule)
            found = groups.pop((by, value, rule))
            assert found["queries"] == sum(map(bool, parts))
            expected = {n: v for n, v in expected.items() if n[:3] not in ("cov", "ent")}
            assert found["metrics"] == pytest.approx(expected, abs=1e-9)

    for city in set(cities):
        check("city", city, [h if c == city else [] for h, c in zip(held_out, cities, strict=True)])
    for brand in {BRANDS[i] for items in held_out for i in items if i != ABSENT}:
        of_brand = [[i for i in row if i >= 0 and BRANDS[i] == brand] for row in held_out]
        check("brand", brand, of_brand)
    absent = [[i for i in row if i == ABSENT] for row in held_out]
    for by in ("brand", "item popularity decile", "item in the seen data"):
        check(by, "(not in the table)", absent)
    check("user in the seen data", "new", [[], [], [], held_out[3], []])
    check("user in the seen data", "known", [*held_out[:3], [], held_out[4]])
    rows = list(csv.reader((folder / "rows.csv").open(encoding="utf-8")))
    counts = [sum(row[4] == item for row in rows) for item in IDS]
    for value, wanted in (("known", True), ("new", False)):
        part = [[i for i in row if i >= 0 and (counts[i] > 0) == wanted] for row in held_out]
        if any(part):
            check("item in the seen data", value, part)
    order = sorted(range(13), key=lambda item: (-counts[item], item))
    tenth = {item: at * 10 // 13 + 1 for at, item in enumerate(order)}
    for decile in {tenth[i] for row in held_out for i in row if i >= 0}:
        part = [[i for i in row if i >= 0 and tenth[i] == decile] for row in held_out]
        check("item popularity decile", str(decile), part)
    assert groups == {}
    deciles = report["popularity_deciles"]
    known = [i for row in held_out for i in row if i >= 0]
    assert deciles["held_out"] == [sum(tenth[i] == d for i in known) for d in range(1, 11)]
    assert sum(deciles["recommended"]) == 5  # the first of each query


def test_without_a_user_each_row_is_a_query_and_nothing_is_seen(folder: Path) -> None:
    text = exported.CONFIG.format(data=folder).replace(
        'user_tower { id: "user_id"', 'user_tower { id: ""'
    )
    asked = "eval_config { full_ranking { topk: 3 } metrics_set"
    text = text.replace("eval_config { metrics_set", asked)
    Estimator(loads(text)).evaluate(path=str(folder / "held_out.csv"))
    report = json.loads((folder / "model" / "ranking.json").read_text(encoding="utf-8"))
    assert report["protocol"]["seen"] == ["kept"]
    assert report["protocol"]["queries"] == report["protocol"]["held_out"] == 8
    assert {row["seen"] for row in report["rows"]} == {"kept"}
    assert {group["by"] for group in report["groups"]} == {
        "item popularity decile",
        "item in the seen data",
    }


def test_by_row_each_row_is_a_query_of_its_user(folder: Path) -> None:
    report = run(folder, by_row=True)
    rows = {
        "user_id": [row[0] for row in HELD_OUT],
        "city": [row[1] or "Wien" for row in HELD_OUT],
        "history": [row[2] for row in HELD_OUT],
    }
    vectors = np.load(folder / "model" / "export" / "final" / "5" / "item_vectors.npy")
    tower = SavedModel(folder / "model" / "export" / "final" / "5" / "user_tower")
    scores = (tower(**tensors(rows))["user_tower_emb"].numpy() @ vectors.T).tolist()
    of_user = dict(zip(USERS, numbers_of_all(seen_items(folder)), strict=True))
    seen, held_out = [of_user[row[0]] for row in HELD_OUT], [numbers([r[3]]) for r in HELD_OUT]
    for rule in ("excluded", "kept"):
        expected, _ = brute_force.metrics(scores, held_out, seen, KS, rule)
        (row,) = (r for r in report["rows"] if (r["scorer"], r["seen"]) == ("model", rule))
        assert row["metrics"] == pytest.approx(expected, abs=1e-9)
    assert (report["protocol"]["queries"], report["protocol"]["held_out"]) == (8, 8)
    # All 13 items are in a list of 20: only the item that the table lacks is missed.
    hit = np.array([[float(row[3] in IDS)] for row in HELD_OUT])
    users = np.array([row[0] for row in HELD_OUT])
    bounds = interval(resampled_means(hit, report["protocol"]["seed"], users))
    (row,) = (r for r in report["rows"] if (r["scorer"], r["seen"]) == ("model", "kept"))
    assert row["interval"]["recall@20"] == pytest.approx(bounds[:, 0].tolist())


def test_rows_are_cut_as_the_evaluation_is(folder: Path) -> None:
    asked = pipeline(folder).config
    assert asked.eval_config.full_ranking.topk
    edits = {"eval_config.num_examples": 4, "eval_config.full_ranking": {"topk": [2]}}
    path = str(folder / "held_out.csv")
    Estimator(exported.pipeline(folder, **edits, eval_input_path=path)).evaluate()
    report = json.loads((folder / "model" / "ranking.json").read_text(encoding="utf-8"))
    assert (report["protocol"]["rows"], report["protocol"]["queries"]) == (4, 2)


def test_a_label_decides_in_a_pointwise_model(folder: Path, tmp_path: Path) -> None:
    exported.write_data(tmp_path)
    lines = (tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()
    lines = [f"{row % 2}{line[1:]}" for row, line in enumerate(lines)]
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = exported.CONFIG.format(data=tmp_path).replace("SOFTMAX_CROSS_ENTROPY", "CLASSIFICATION")
    start = text.index("  negative_sampler")
    text = text[:start] + "}\n" + text[text.index("feature_config", start) :]
    ranking = f'full_ranking {{ topk: 3 item_path: "{tmp_path}/bare.txt" }}'
    text = text.replace(
        "metrics_set { recall_at_topk { topk: 1 } }", ranking + " metrics_set {auc{}}"
    )
    items = "".join(f"{i}\t1\t{i}:{b}\n" for i, b in zip(IDS, BRANDS, strict=True))
    (tmp_path / "bare.txt").write_text("id\tweight\tfeature\n" + items, encoding="utf-8")
    Estimator(loads(text)).train_and_evaluate()
    report = json.loads((tmp_path / "model" / "ranking.json").read_text(encoding="utf-8"))
    rows = list(csv.reader(lines))
    pairs = {(row[1], row[4]) for row in rows if row[0] == "1"}
    protocol = report["protocol"]
    assert protocol["held_out"] == protocol["held_out_seen"] == len(pairs)
    assert protocol["queries"] == len({user for user, _ in pairs})
    assert protocol["queries_without_held_out"] == 8 - protocol["queries"] > 0


def test_nothing_held_out_is_said(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("", encoding="utf-8")
    made = build(pipeline(folder))
    ranking = FullRanking(made, str(empty), str(folder / "rows.csv"))
    with pytest.raises(DataError, match="nothing is held out"):
        ranking.run(1, "")


def seen_file(path: Path, rows: list[tuple[int, str]]) -> str:
    lines = [f"1,{user},Wien,,{item},brand,0" for user, item in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_seen_items_of_which_none_is_in_the_table_are_refused(folder: Path, tmp_path: Path) -> None:
    few = seen_file(tmp_path / "few.csv", [(0, "É"), (1, "Z")])
    made = build(pipeline(folder, seen_path=few))
    ranking = FullRanking(made, str(folder / "held_out.csv"), "")
    with pytest.raises(DataError) as error:
        ranking.run(1, "")
    (problem,) = error.value.problems
    assert problem.place.file == few
    assert "2 of 2 rows" in problem.message
    assert "case" in problem.message
    many = seen_file(tmp_path / "many.csv", [(0, "É"), (1, "Z")] * 20)
    with pytest.raises(DataError, match=r"many\.csv"):
        FullRanking(build(pipeline(folder, seen_path=many)), str(folder / "held_out.csv"), "")


def test_seen_rows_that_do_not_join_are_counted(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = seen_file(tmp_path / "seen.csv", [(8, "é"), (6, "nobody"), (7, "nothing"), (7, "e")])
    made = build(pipeline(folder, seen_path=path))
    protocol = FullRanking(made, str(folder / "held_out.csv"), "").run(1, "").protocol
    assert (protocol["seen_rows"], protocol["seen_rows_not_in_table"]) == (4, 2)
    assert "2 of 4 rows" in caplog.text
    assert "none of the 5 users" in caplog.text
    assert "'8'" in caplog.text


def test_users_whose_ids_differ_in_form_are_refused() -> None:
    nothing = ItemSets.of([[]])
    for strangers, kind in ((["u7", "u8"], "error"), (["7", "8"], "warning")):
        known = np.zeros(1, bool)
        history = InteractionHistory(np.ones(1, int), nothing, known, 1, 1, 0, [], strangers)
        (problem,) = history.problems(np.array(["i"]), ["U7", "U8"], Place("seen.csv"))
        assert (problem.severity, problem.place.file) == (kind, "seen.csv")


@pytest.mark.parametrize("option", ["seen_path", "item_path"])
def test_a_missing_file_is_told_before_training(folder: Path, tmp_path: Path, option: str) -> None:
    missing = str(tmp_path / "missing.csv")
    config = pipeline(folder, **{option: missing})
    with pytest.raises(DataError, match=r"missing\.csv"):
        FullRanking(build(config), str(folder / "held_out.csv"), str(folder / "rows.csv"))


def test_its_metrics_choose_the_best_export_and_are_logged_with_their_protocol(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "easyrec_lite")
    edits = {
        "model_dir": str(tmp_path),
        "train_config.num_steps": 4,
        "train_config.save_checkpoints_steps": 2,
        "eval_config.full_ranking": {"topk": [3]},
        "export_config": {
            "exporter_type": "best",
            "best_exporter_metric": "full_ranking/kept/ndcg@3",
        },
    }
    result = Estimator(exported.pipeline(folder, **edits)).train_and_evaluate()
    lines = (tmp_path / "evaluations.jsonl").read_text(encoding="utf-8").splitlines()
    history = [json.loads(line) for line in lines]
    best = max(history, key=lambda entry: entry["metrics"]["full_ranking/kept/ndcg@3"])
    assert result.export == tmp_path / "export" / "best" / str(best["step"])
    said = [message for message in caplog.messages if message.startswith("full ranking of step")]
    assert len(said) == len(history) == 2
    value = history[-1]["metrics"]["full_ranking/excluded/hit_rate@3"]
    for piece in ("step 4: items 13, queries 8, held-out items 8, ties", "popularity", "random"):
        assert piece in said[-1]
    assert f"seen excluded: hit_rate@3 {value:.4f} (popularity" in said[-1]
    edits["export_config"]["best_exporter_metric"] = "full_ranking/kept/ndcg@5"
    with pytest.raises(ConfigError, match="full_ranking/kept/ndcg@5"):
        exported.pipeline(folder, **edits)


def test_flags_without_the_ranking_are_refused() -> None:
    done = subprocess.run(
        [*EVALUATE, "dssm_on_taobao", "--topk", "5"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "--topk without --full_ranking" in done.stderr
