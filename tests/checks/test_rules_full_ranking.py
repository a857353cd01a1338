"""Rules about ranking among all items."""

from __future__ import annotations

import pytest

from tests.config.base_config import LISTWISE, POINTWISE, assert_reported, problems, replaced

ITEMS = "item_path: 'items.txt'"


def ranked(text: str, options: str) -> str:
    return replaced(text, "metrics_set", f"full_ranking {{ {options} }} metrics_set")


def test_a_sampler_gives_table_and_ids() -> None:
    assert problems(ranked(LISTWISE, "topk: [5, 20]")) == []


def test_a_pointwise_config_must_name_them() -> None:
    text = ranked(POINTWISE, "topk: 5")
    assert_reported(text, "full_ranking", "full_ranking has no item table", "make_item_table")
    assert_reported(text, "full_ranking", "full_ranking has no item id")
    assert problems(ranked(POINTWISE, f"{ITEMS} item_id: 'item_id'")) == []


def test_lists_have_places() -> None:
    assert_reported(ranked(LISTWISE, "topk: [5, 0]"), "topk: [5, 0]", "topk is 0")


@pytest.mark.parametrize("field", ["user_id", "item_id", "group_by"])
def test_columns_exist(field: str) -> None:
    text = ranked(LISTWISE, f"{field}: 'user_idd'")
    assert_reported(text, "user_idd", f"unknown input field in {field}", "nearest:  user_id")


def test_item_knn_needs_a_user() -> None:
    assert problems(ranked(LISTWISE, "item_knn: true user_id: 'user_id'")) == []
    nameless = replaced(LISTWISE, 'user_tower { id: "user_id"', 'user_tower { id: ""')
    assert_reported(
        ranked(nameless, "item_knn: true"), "item_knn", "item_knn", "set eval_config.full_ranking"
    )


def test_one_id_for_rows_and_table() -> None:
    text = ranked(LISTWISE, "item_id: 'user_id'")
    assert_reported(text, "full_ranking", "know items by different fields", "found:    'user_id'")


@pytest.mark.parametrize("name", ["full_ranking/kept/map@10", "full_ranking/excluded/coverage@50"])
def test_its_metrics_can_choose_the_best(name: str) -> None:
    best = f"export_config {{ exporter_type: 'best' best_exporter_metric: '{name}' }}\n"
    assert problems(ranked(LISTWISE, "") + best) == []
    asks = "remedy:   ask for it, eval_config { full_ranking"
    assert_reported(LISTWISE + best, name, "unknown metric in best_exporter_metric", asks)
