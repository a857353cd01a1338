from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from easyrec_lite.checks.features import Feature, embedding_tables
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from tests.features.configs import config_of, problems_of

ID = "feature_type: IdFeature embedding_dim: 4 hash_bucket_size: 10"


def tables(pipeline: Pipeline) -> dict[str, tuple[int, int]]:
    made = embedding_tables(View(pipeline).feature_groups)
    return {name: (table.rows, table.dim) for name, table in made.items()}


def used(pipeline: Pipeline) -> list[Feature]:
    return list(View(pipeline).grouped_features.values())


def test_needs_no_tensorflow() -> None:
    code = "import sys, easyrec_lite.checks.view; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"tensorflow", "keras"} & {*done.stdout.split()}


def test_names_order_and_unused_features() -> None:
    config = config_of(
        f'input_names: "a" {ID}',
        f'feature_name: "b2" input_names: "b" {ID}',
        f'input_names: "unused" {ID}',
        groups={"user": ["b2", "a"], "item": ["a"]},
    )
    groups = View(config).feature_groups
    assert [spec.name for spec in groups["user"]] == ["b2", "a"]
    assert groups["user"][0].inputs == ("b",)
    assert set(View(config).grouped_features) == {"a", "b2"}
    assert list(tables(config)) == ["user/b2/embedding", "user/a/embedding", "item/a/embedding"]


def test_features_listed_in_the_old_form() -> None:
    config = config_of(groups={"user": ["a"]})
    config.config.feature_configs.add(
        input_names=["a"], feature_type=0, embedding_dim=4, hash_bucket_size=10
    )
    assert tables(config) == {"user/a/embedding": (10, 4)}


def test_shared_names_copy_the_feature_and_its_table() -> None:
    body = f'input_names: "a" shared_names: "b" shared_names: "c[1-2]" {ID}'
    config = config_of(body, groups={"user": ["a", "b", "c2"]})
    assert [feature.inputs for feature in used(config)] == [("a",), ("b",), ("c2",)]
    assert list(tables(config)) == [f"user/{name}/embedding" for name in ("a", "b", "c2")]


def test_embedding_name_shares_one_table_across_groups() -> None:
    config = config_of(
        f'input_names: "a" {ID} embedding_name: "x"',
        f'input_names: "b" {ID} embedding_name: "x"',
        groups={"user": ["a"], "item": ["b", "a"]},
    )
    (table,) = embedding_tables(View(config).feature_groups).values()
    assert table.name == "shared/x/embedding"
    assert table.users == (("user", "a"), ("item", "b"), ("item", "a"))


@pytest.mark.parametrize(
    ("first", "other", "what"),
    [
        ("hash_bucket_size: 10", "hash_bucket_size: 11", "hash_bucket_size"),
        ('vocab_list: "a"', 'vocab_list: "b"', "vocab_list"),
        ("num_buckets: 5", 'num_buckets: 5 combiner: "mean"', "combiner"),
        (
            "num_buckets: 5",
            "num_buckets: 5 initializer { glorot_normal_initializer {} }",
            "initializer",
        ),
    ],
)
def test_sharing_features_must_agree(first: str, other: str, what: str) -> None:
    shared = 'feature_type: IdFeature embedding_dim: 4 embedding_name: "x" '
    config = config_of(f'input_names: "a" {shared} {first}', f'input_names: "b" {shared} {other}')
    assert f"differ in {what}" in problems_of(config)


def test_sharing_features_have_equally_many_buckets() -> None:
    shared = 'feature_type: RawFeature embedding_dim: 4 embedding_name: "x" '
    config = config_of(
        f'input_names: "a" {shared} boundaries: [1, 2]', f'input_names: "b" {shared} boundaries: 1'
    )
    assert "differ in rows" in problems_of(config)


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ("feature_type: IdFeature num_buckets: 7", 7),
        ('feature_type: TagFeature vocab_list: "a" vocab_list: "b"', 2),
        ("feature_type: SequenceFeature hash_bucket_size: 9", 9),
        ("feature_type: RawFeature boundaries: 1 boundaries: 2", 3),
        ("feature_type: RawFeature raw_input_dim: 2 boundaries: 1 boundaries: 2", 6),
        ("feature_type: RawFeature num_buckets: 5 max_val: 1", 5),
        ("feature_type: RawFeature raw_input_dim: 3", 3),
        ('feature_type: ExprFeature expression: "x + 1"', 1),
        ("feature_type: SequenceFeature sub_feature_type: RawFeature", 1),
    ],
)
def test_rows(body: str, rows: int) -> None:
    assert tables(config_of(f'input_names: "x" embedding_dim: 4 {body}')) == {
        "all/x/embedding": (rows, 4)
    }


def test_rows_of_a_vocabulary_file(tmp_path: Path) -> None:
    path = tmp_path / "words"
    path.write_text("a\n\nb\nc")
    body = f'input_names: "x" embedding_dim: 4 feature_type: IdFeature vocab_file: "{path}"'
    assert tables(config_of(body)) == {"all/x/embedding": (3, 4)}


def test_numbers_without_embedding_have_no_table_but_a_width() -> None:
    config = config_of(
        'input_names: "x" feature_type: RawFeature raw_input_dim: 3',
        'input_names: "y" feature_type: PassThroughFeature',
    )
    assert tables(config) == {}
    assert [feature.width for feature in used(config)] == [3, 1]


def test_all_problems_at_once() -> None:
    config = config_of(
        'input_names: "a" feature_type: IdFeature hash_bucket_size: 10',
        'input_names: "b" feature_type: IdFeature embedding_dim: 4',
        groups={"user": ["a", "b", "bb"]},
    )
    report = problems_of(config)
    for part in ("'a' has no embedding_dim", "'b' has no source of ids"):
        assert part in report


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('feature_type: TagFeature num_buckets: 5 separator: ""', "separator"),
        (
            "feature_type: SequenceFeature sub_feature_type: RawFeature raw_input_dim: 2",
            "seq_multi",
        ),
    ],
)
def test_cells_need_a_separator(body: str, field: str) -> None:
    report = problems_of(config_of(f'input_names: "x" embedding_dim: 4 {body}'))
    assert f"cannot be split without {field}" in report


@pytest.mark.parametrize(
    ("combiner", "piece"),
    [
        ("multi_head_attention {}", "sequence_combiner"),
        ("text_cnn { filter_sizes: [2, 3] num_filters: 2 pad_sequence_length: 3 }", "num_filters"),
    ],
)
def test_a_sequence_combiner_is_offered_and_complete(combiner: str, piece: str) -> None:
    body = f"feature_type: SequenceFeature num_buckets: 3 sequence_combiner {{ {combiner} }}"
    report = problems_of(config_of(f'input_names: "x" embedding_dim: 4 {body}'))
    assert piece in report


def test_a_sequence_combiner_of_another_kind_has_no_effect() -> None:
    body = "feature_type: TagFeature num_buckets: 3 sequence_combiner { attention {} }"
    config = config_of(f'input_names: "x" embedding_dim: 4 {body}')
    assert "no effect" in problems_of(config)
    assert used(config)[0].sequence_combiner is None
