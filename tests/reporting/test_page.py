"""The page: its numbers are the files', every text is a text, and any file may be missing."""

from __future__ import annotations

import itertools
import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyrec_lite.config import Pipeline
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.page import SECTIONS, page
from easyrec_lite.reporting.sections.losses import thinned
from tests.reporting import made
from tests.reporting.reading import Node, parse, section, tables

FILES = {
    "training_log.jsonl": ("losses", "training log"),
    "eval_result.json": ("overview", ""),
    "evaluations.jsonl": ("metrics", ""),
    "ranking.json": ("ranking", "--full_ranking"),
    "feature_weights.json": ("features", "No feature weights"),
}


def folder(pipeline: Pipeline) -> Path:
    return Path(pipeline.config.model_dir)


def read(pipeline: Pipeline) -> Node:
    return parse(page(ModelFolder(folder(pipeline), pipeline)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a folder that holds all but checkpoints and exports."""
    folder = tmp_path_factory.mktemp("whole")
    pipeline = made.config(folder)
    (folder / "model").mkdir()
    made.fill(folder / "model")
    return page(ModelFolder(folder / "model", pipeline))


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures take time, and these tests look at the rest."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def clean(text: str) -> str:
    return text.replace("\0", "\ufffd")


def test_the_log_s_last_lines(whole: str) -> None:
    found = tables(section(parse(whole), "losses"))["Training log, newest last"]
    assert found == [
        {"step": line["step"], **line["values"], "examples/s": line["examples_per_second"]}
        for line in made.log_lines()
    ]


def test_evaluations_with_the_last_one_made_afterwards(whole: str) -> None:
    rows = tables(section(parse(whole), "metrics"))["Evaluations"]
    assert [row["step"] for row in rows] == [20, 40, 60, 70]
    ranked = {f"full_ranking/{seen}/mrr@{k}": k / 9 for seen in made.SEEN for k in (5, 10)}
    known = {"step": 40, "recall@1": 40 / 997, "auc": 0.5, "loss/total_loss": 1 / 40}
    assert rows[1] == known | dict.fromkeys(ranked, "") | {"alone": ""}
    known = {"step": 70, "recall@1": 0.0712345678, "auc": 0.75, "loss/total_loss": 0.03}
    assert rows[3] == known | ranked | {"alone": 1.25}


def test_a_picture_for_each_kind_of_metric_with_two_steps(whole: str) -> None:
    found = section(parse(whole), "metrics")
    drawn = {
        str(figure.attributes["id"]): [text.text for text in figure.all("text")]
        for figure in found.all("figure")
    }
    assert list(drawn) == [
        "figure-metric-recall",
        "figure-metric-auc",
        "figure-metric-loss",
        "figure-metric-full-ranking-excluded-mrr",
        "figure-metric-full-ranking-kept-mrr",
    ]
    for seen in made.SEEN:
        lines = {f"{seen}/mrr@{k}" for k in (5, 10)}
        assert lines <= set(drawn[f"figure-metric-full-ranking-{seen}-mrr"])


def test_curves_of_a_ranking_have_a_dashed_line_of_popularity(whole: str) -> None:
    values = {
        row["seen"]: row["metrics"]["mrr@10"]
        for row in made.ranking()["rows"]
        if row["scorer"] == "popularity"
    }
    found = section(parse(whole), "metrics")
    pictures = {str(figure.attributes["id"]): figure for figure in found.all("figure")}
    for seen, value in values.items():
        (picture,) = pictures[f"figure-metric-full-ranking-{seen}-mrr"].all("svg")
        label = str(picture.attributes["aria-label"])
        assert f"popularity: {seen}/mrr@10 {value:.4g}" in label
        dashed = [path for path in picture.all("path") if "dasharray" in str(path.attributes)]
        assert len(dashed) == 1
    (other,) = pictures["figure-metric-auc"].all("svg")
    assert "popularity" not in str(other.attributes["aria-label"])


def test_the_verdict_is_on_top_with_what_to_try(whole: str) -> None:
    first = section(parse(whole), "overview").all("p")[0].text
    verdict = made.ranking()["verdict"]
    assert first.startswith(verdict["text"])
    assert all(each in first for each in verdict["advice"])


def test_the_overview_has_the_ranking_beside_its_baseline(whole: str) -> None:
    cards = [
        node.text
        for node in section(parse(whole), "overview").all("div")
        if node.attributes.get("class") == "card"
    ]
    first, popularity = (
        made.ranking()["rows"][index]["metrics"]["hit_rate@10"] for index in (0, 1)
    )
    shown = f"{first:.4g} (popularity {popularity:.4g})hit_rate@10, among all items"
    assert shown in cards
    assert not [card for card in cards if "full_ranking" in card]


def test_the_ranking_beside_its_baselines_and_protocol(whole: str) -> None:
    ranking = made.ranking()
    found = section(parse(whole), "ranking")
    by_caption = tables(found)
    rows = by_caption["Full ranking"]
    assert [row.pop("scorer") for row in rows] == [
        "model",
        "popularity (baseline)",
        "random (baseline)",
    ] * 2
    assert rows == [{"seen items": row["seen"], **row["metrics"]} for row in ranking["rows"]]
    bounds = by_caption["95 % intervals of the model"]
    model = [row["interval"] for row in ranking["rows"] if row["scorer"] == "model"]
    assert [(row.pop("bound"), row.pop("seen items")) for row in bounds] == [
        (bound, seen) for seen in made.SEEN for bound in ("from", "to")
    ]
    for at, row in enumerate(bounds):
        own = {name: each[at % 2] for name, each in model[at // 2].items()}
        assert {name: value for name, value in row.items() if value != ""} == own
    facts = dict(
        zip((n.text for n in found.all("dt")), (n.text for n in found.all("dd")), strict=True)
    )
    assert facts == {
        "step": "70",
        "checkpoint": "m/model.ckpt-70",
        "items": "12,345",
        "queries": "678",
        "held out": "900",
        "seen": "excluded, kept",
        "ties": "mean of <the> places",
    }
    for by in ("city", "new_user"):
        assert by_caption[f"Full ranking by {by}"] == [
            {by: clean(group["value"]), "seen items": "kept", "queries": 7, **group["metrics"]}
            for group in ranking["groups"]
            if group["by"] == by
        ]


def test_popularity(whole: str) -> None:
    deciles = made.ranking()["popularity_deciles"]
    found = section(parse(whole), "popularity")
    (table,) = found.all("table")
    numbers = np.array(
        [
            [float(data.attributes["value"] or "") for data in row.all("data")]
            for row in table.all("tr")[1:]
        ]
    )
    taken, held_out = np.array(deciles["recommended"]), np.array(deciles["held_out"])
    expected = [taken, taken / taken.sum(), held_out, held_out / held_out.sum()]
    np.testing.assert_allclose(numbers.T, expected, rtol=1e-12)


def test_feature_weights_the_largest_first(whole: str) -> None:
    found = section(parse(whole), "features")
    for layer in made.weights()["layers"]:
        rows = tables(found)[f"Weights in {layer['layer']}"]
        features = sorted(layer["features"], key=lambda feature: -feature["magnitude"])
        assert [row["feature"] for row in rows] == [clean(each["name"]) for each in features]
        assert [row["mean |weight|"] for row in rows] == [each["magnitude"] for each in features]
        assert [row["mean weight"] for row in rows] == [each["mean"] for each in features]
        assert [row["weighted size"] for row in rows] == [each["size"] for each in features]


@pytest.mark.usefixtures("no_pictures")
def test_the_config_as_it_is(full: Pipeline) -> None:
    (shown,) = section(read(full), "setup").all("pre")
    assert shown.text == (folder(full) / "pipeline.config").read_text("utf-8")


def test_the_page_stands_alone_and_is_in_order(whole: str) -> None:
    found = parse(whole)
    nodes = found.everything()
    assert {node.name for node in nodes}.isdisjoint({"script", "img", "iframe", "object", "b"})
    allowed = {"rel", "href", "src"}
    loaded = [node for node in nodes if node.name == "link" or "src" in node.attributes]
    assert [{k: n.attributes[k] for k in allowed & set(n.attributes)} for n in loaded] == [
        {"rel": "icon", "href": "data:,"}
    ]
    assert "url(http" not in whole
    assert "@import" not in whole
    assert not [n for n in nodes if any(key.startswith("on") for key in n.attributes)]
    ids = [node.attributes["id"] for node in nodes if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    links = [node.attributes["href"] or "" for node in found.all("a")]
    assert {link.removeprefix("#") for link in links} == {
        "content",
        *(each.key for each in SECTIONS),
    }
    assert {link.removeprefix("#") for link in links} <= set(ids)
    svgs = found.all("svg")
    assert len(svgs) == 12
    assert all(svg.attributes["aria-label"] for svg in svgs)
    levels = [int(node.name[1]) for node in nodes if re.fullmatch("h[1-6]", node.name)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_an_empty_folder_says_what_to_do(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    (folder(pipeline) / "pipeline.config").write_text("x", "utf-8")
    found = read(pipeline)
    assert found.all("svg") == []
    assert caplog.records == []
    told = {each.key: section(found, each.key).text for each in SECTIONS}
    assert "evaluate --config" in told["metrics"]
    assert "--full_ranking" in told["ranking"]
    assert "--full_ranking" in told["popularity"]
    assert "export --config" in told["examples"]


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_leaves_the_rest(
    full: Pipeline, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = tables(read(full))
    (folder(full) / name).unlink()
    found = read(full)
    key, told = FILES[name]
    assert told in section(found, key).text
    assert caplog.records == []
    after = tables(found)
    assert set(after) <= set(before)
    changed = {"Evaluations"} if name in ("eval_result.json", "evaluations.jsonl") else set()
    assert all(after[caption] == before[caption] for caption in set(after) - changed)
    assert len(after) >= len(before) - 5


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", ["{]\n", '{"a": 1}\n', "[1, 2]\n"])
def test_a_damaged_file_is_told_and_leaves_the_rest(
    full: Pipeline, name: str, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (folder(full) / name).write_text(content, "utf-8")
    with caplog.at_level(logging.WARNING):
        found = read(full)
    assert "Versions" in tables(found)
    assert len(tables(found)) >= 4
    if name != "eval_result.json" or content != '{"a": 1}\n':
        assert "could not be made" in found.text
        assert caplog.records


@pytest.mark.usefixtures("no_pictures")
def test_without_matplotlib_the_tables_are_there(full: Pipeline, whole: str) -> None:
    found = read(full)
    with_pictures = tables(parse(whole))
    versions = with_pictures.pop("Versions")
    assert [row for row in tables(found).pop("Versions") if row not in versions] == []
    assert {name: rows for name, rows in tables(found).items() if name != "Versions"} == (
        with_pictures
    )
    assert found.all("svg") == []
    assert "Matplotlib is not installed" in found.text


@pytest.mark.usefixtures("no_pictures")
def test_only_the_newest_lines_are_listed_and_all_are_drawn(full: Pipeline) -> None:
    lines: list[dict[str, Any]] = made.log_lines(1000)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder(full) / "training_log.jsonl").write_text(text, "utf-8")
    found = section(read(full), "losses")
    rows = tables(found)["Training log, newest last"]
    assert [row["step"] for row in rows] == [line["step"] for line in lines[-20:]]
    assert "the mean of up to 4 log lines" in found.text


@pytest.mark.parametrize(("count", "most"), [(0, 5), (1, 5), (5, 5), (6, 5), (999, 7)])
def test_thinned(count: int, most: int) -> None:
    rng = np.random.default_rng(count)
    steps, values = list(range(count)), rng.random(count).tolist()
    found_steps, means = thinned((steps, values), most)
    assert len(found_steps) == len(means) <= most
    assert list(found_steps[-1:]) == steps[-1:]
    sizes = np.diff([-1, *found_steps])
    assert np.dot(sizes, means) == pytest.approx(sum(values))
    if count <= most:
        assert (list(found_steps), list(means)) == (steps, values)
