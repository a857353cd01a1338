"""What is said about bad features and feature groups."""

from __future__ import annotations

import pytest

from tests.config.base_config import POINTWISE, assert_reported, problems, replaced

CITY = '{ input_names: "city" feature_type: IdFeature embedding_dim: 8 vocab_list: ["a", "b"] }'
TAGS = '{ input_names: "tags" feature_type: TagFeature embedding_dim: 8 hash_bucket_size: 50 }'
PRICE = '{ input_names: "price" feature_type: RawFeature embedding_dim: 8 boundaries: [1, 2.5] }'


def city(config: str) -> str:
    return replaced(POINTWISE, CITY, f"{{ {config} }}")


def test_a_feature_of_an_unknown_field_names_the_nearest() -> None:
    text = replaced(POINTWISE, 'input_names: "tags"', 'input_names: "tag" feature_name: "tags"')
    assert_reported(
        text,
        'input_names: "tag"',
        "my.config:28:14: error: feature_config.features[2].input_names[0]",
        "input field of feature 'tags': 'tag'",
        "nearest:  tags",
    )


def test_a_feature_does_not_read_the_label() -> None:
    text = city(
        'input_names: "clk" feature_name: "city" feature_type: IdFeature '
        "embedding_dim: 8 num_buckets: 2"
    )
    assert_reported(text, '"clk" feature_name', "feature 'city' reads the label 'clk'")


@pytest.mark.parametrize(
    ("sources", "message", "found"),
    [
        ("", "has no source of ids", "none of them"),
        (
            "hash_bucket_size: 9 num_buckets: 9",
            "has 2 sources of ids",
            "hash_bucket_size, num_buck",
        ),
        ("num_buckets: 9 vocab_file: 'v'", "has 2 sources of ids", "num_buckets, vocab_file"),
        ("hash_bucket_size: 9 vocab_list: 'v'", "has 2 sources", "hash_bucket_size, vocab_list"),
    ],
)
def test_an_id_has_one_source(sources: str, message: str, found: str) -> None:
    text = city(f'input_names: "city" feature_type: IdFeature embedding_dim: 8 {sources}')
    pieces = (f"IdFeature 'city' {message}", f"found:    {found}", "expected: exactly one of hash_")
    assert_reported(text, 'names: "city"', *pieces)


@pytest.mark.parametrize("kind", ["TagFeature", "SequenceFeature"])
def test_tags_and_sequences_need_a_source_too(kind: str) -> None:
    text = city(f'input_names: "city" feature_type: {kind} embedding_dim: 8')
    assert_reported(text, 'input_names: "city"', f"{kind} 'city' has no source of ids")


def test_a_constant_initialiser_fits_its_table() -> None:
    constant = "initializer { constant_initializer { consts: [1, 2] } }"
    text = replaced(POINTWISE, TAGS, TAGS.replace("}", constant + " }"))
    assert_reported(text, "TagFeature", "does not fit the table of feature 'tags'", "1 value, 8")
    assert problems(text.replace("[1, 2]", "0.5")) == []


def test_a_vocabulary_names_a_token_once() -> None:
    text = replaced(POINTWISE, '["a", "b"]', '["a", "b", "a"]')
    assert_reported(text, '"a", "b", "a"', "gives a token two ids", "given twice: 'a'")


def test_a_combo_joins_or_splits() -> None:
    kind = 'input_names: ["city", "tags"] feature_name: "city" feature_type: ComboFeature'
    combo = f"{kind} embedding_dim: 8 hash_bucket_size: 5"
    one = city(f"{combo} combo_input_seps: '|'")
    assert_reported(
        one, "combo_input_seps", "does not fit its inputs", "expected: 2", "found:    1"
    )
    both = city(f"{combo} combo_input_seps: ['|', ''] combo_join_sep: '_'")
    assert_reported(both, "combo_join_sep", "has both combo_join_sep and combo_input_seps")
    assert problems(city(f"{combo} combo_input_seps: ['|', '']")) == []


def test_a_tower_needs_its_sequences_pooled() -> None:
    sequence = 'input_names: "city" feature_type: SequenceFeature embedding_dim: 8 num_buckets: 5'
    assert_reported(city(sequence), sequence, "'city' has no sequence_combiner", "TagFeature")
    assert problems(city(f"{sequence} sequence_combiner {{ attention {{}} }}")) == []


def test_a_raw_sequence_needs_no_ids() -> None:
    text = city(
        'input_names: "city" feature_type: SequenceFeature embedding_dim: 8 '
        "sub_feature_type: RawFeature"
    )
    assert not [found for found in problems(text) if "source of ids" in found.message]


def test_a_combo_hashes() -> None:
    combo = 'input_names: ["city", "tags"] feature_name: "city" feature_type: ComboFeature'
    text = city(f"{combo} embedding_dim: 8 num_buckets: 5")
    assert_reported(text, "ComboFeature", "cannot use", "expected: hash_bucket_size")
    assert problems(city(f"{combo} embedding_dim: 8 hash_bucket_size: 5")) == []


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        ("ComboFeature", '["city"]', "two columns or more"),
        ("LookupFeature", '["city"]', "two columns: a key and a map"),
        ("LookupFeature", '["city", "tags", "cate"]', "two columns: a key and a map"),
        ("IdFeature", '["city", "tags"]', "one column"),
        ("TagFeature", '["city", "tags", "cate"]', "one column, or two: tags and their weights"),
    ],
)
def test_a_feature_reads_as_many_columns_as_its_type_takes(
    kind: str, inputs: str, expected: str
) -> None:
    text = city(f"input_names: {inputs} feature_type: {kind} embedding_dim: 8 hash_bucket_size: 9")
    assert_reported(
        text,
        f"input_names: {inputs}",
        f"{kind} 'city' reads",
        f"expected: {expected}",
    )


def test_floats_need_a_precision_to_be_hashed() -> None:
    hashed = 'input_names: "price" feature_type: IdFeature embedding_dim: 8 hash_bucket_size: 9'
    text = replaced(POINTWISE, PRICE, f"{{ {hashed} }}")
    assert_reported(text, hashed, "makes ids of the FLOAT field 'price' without precision")
    assert problems(replaced(POINTWISE, PRICE, f"{{ {hashed} precision: 2 }}")) == []


def test_the_weights_of_tags_may_be_floats() -> None:
    text = replaced(POINTWISE, TAGS, TAGS.replace('"tags"', '["tags", "price"]'))
    assert problems(text) == []


def test_an_id_in_a_group_needs_a_dim() -> None:
    text = replaced(POINTWISE, TAGS, TAGS.replace("embedding_dim: 8", ""))
    assert_reported(text, "TagFeature", "TagFeature 'tags' has no embedding_dim", "remedy")


def test_boundaries_ascend() -> None:
    text = replaced(POINTWISE, "boundaries: [1, 2.5]", "boundaries: [1, 2.5, 2, 7, 3]")
    assert_reported(text, "boundaries", "not in ascending order", "found:    2.5 before 2")


def test_equal_ranges_need_a_range() -> None:
    text = replaced(POINTWISE, "boundaries: [1, 2.5]", "num_buckets: 5")
    assert_reported(text, "num_buckets: 5", "num_buckets without a range", "min_val < max_val")
    assert problems(text.replace("num_buckets: 5", "num_buckets: 5 max_val: 9")) == []


def test_numbers_have_one_kind_of_buckets() -> None:
    text = replaced(POINTWISE, "boundaries: [1, 2.5]", "boundaries: [1] num_buckets: 5 max_val: 9")
    assert_reported(text, "num_buckets: 5", "both boundaries and num_buckets")


def test_an_unknown_combiner_names_the_nearest() -> None:
    text = replaced(POINTWISE, "hash_bucket_size: 50", "hash_bucket_size: 50 combiner: 'means'")
    assert_reported(text, "means", "combiner of TagFeature 'tags': 'means'", "nearest:  mean")


def test_an_expression_is_needed_and_reads_the_inputs() -> None:
    kind = 'input_names: "age" feature_name: "city" feature_type: ExprFeature'
    assert_reported(city(kind), kind, "ExprFeature 'city' has no expression")
    assert_reported(city(f"{kind} expression: 'agee > 3'"), kind, "agee")


@pytest.mark.parametrize(
    ("code", "token", "remedy"),
    [
        ("age >= 18 and age <= 60", "'age >= 18' at column 1", "&"),
        ("1 if age > 3 else 0", "'age > 3' at column 6", "tf.where"),
        ("1.0 + (not age)", "'age' at column 12", "~"),
        ("(age, age)", "column 1", "one number a row"),
        ("[age * n for n in range(3)]", "column 1", "one number a row"),
        ("tf.strings.as_string(age)", "column 1", "one number a row"),
    ],
)
def test_code_that_gives_no_number_a_row_is_refused(code: str, token: str, remedy: str) -> None:
    kind = f'input_names: "age" feature_name: "city" feature_type: ExprFeature expression: "{code}"'
    assert_reported(city(kind), kind, token, remedy)
    function = code.replace("age", "x")
    kind = f'input_names: "age" feature_name: "city" normalizer_fn: "lambda x: {function}"'
    assert_reported(city(f"{kind} feature_type: RawFeature"), kind, "normalizer_fn", remedy)


def test_one_number_for_all_rows_is_no_normalised_feature() -> None:
    kind = 'input_names: "age" feature_name: "city" feature_type: RawFeature normalizer_fn: "CODE"'
    wrong = city(kind.replace("CODE", "lambda x: tf.reduce_mean(x)"))
    assert_reported(
        wrong, kind.partition("CODE")[0], "normalizer_fn", "column 1", "one number a row"
    )
    for right in ("lambda x: x - tf.reduce_mean(x)", "lambda x: tf.reduce_sum(x, 1, True)"):
        found = problems(city(kind.replace("CODE", right)))
        assert not [each for each in found if "normalizer_fn" in each.path]


@pytest.mark.parametrize(
    "code",
    [
        "(age >= 18) & (age <= 60)",
        "18 <= age <= 60",
        "tf.where(age > 3, 1.0, 0.0)",
        "age if 1 < 2 and not False else 0",
        "tf.strings.length(tf.strings.as_string(age))",
        "tf.add_n([age * n for n in range(4) if n])",
    ],
)
def test_code_that_gives_a_number_a_row_is_taken(code: str) -> None:
    kind = f'input_names: "age" feature_name: "city" feature_type: ExprFeature expression: "{code}"'
    assert not [each for each in problems(city(kind)) if "expression" in each.path]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("hash_bucket_size: 51", "hash_bucket_size"),
        ("hash_bucket_size: 50 combiner: 'mean'", "combiner"),
        ("hash_bucket_size: 50 embedding_dim: 4", "embedding_dim"),
        ("vocab_list: 'x'", "vocab_list"),
        ("hash_bucket_size: 50 initializer { constant_initializer { consts: 1 } }", "initializer"),
    ],
)
def test_sharers_of_a_table_agree(change: str, field: str) -> None:
    first = TAGS.replace("}", "embedding_name: 'shared' }")
    base = replaced(POINTWISE, TAGS, first)
    other = f'{{ input_names: "city" feature_type: TagFeature embedding_name: "shared" {change}'
    if field != "embedding_dim":
        other += " embedding_dim: 8"
    text = replaced(base, CITY, other + " }")
    assert_reported(text, "embedding_name: 'shared'", f"share table 'shared' but differ in {field}")
    agreed = replaced(
        base, CITY, TAGS.replace("}", 'embedding_name: "shared" }').replace("tags", "city")
    )
    assert problems(agreed) == []


def test_a_feature_is_listed_once() -> None:
    text = replaced(POINTWISE, TAGS, f"{TAGS}\n  features {TAGS.replace('50', '60')}")
    assert_reported(text, "60", "feature 'tags' is listed twice", "my.config:28")


def test_features_stand_in_one_list() -> None:
    text = POINTWISE + f"feature_configs {TAGS.replace('tags', 'cate').replace('50', '60')}\n"
    assert_reported(text, "feature_configs {", "both in feature_configs and in feature_config")


def test_the_old_list_alone_is_good() -> None:
    text = POINTWISE.replace("  features {", "feature_configs {").replace("feature_config {\n", "")
    text = text.replace("[1, 2.5] }\n}\n", "[1, 2.5] }\n")
    assert problems(text) == []


def test_shared_names_are_features_too() -> None:
    text = replaced(POINTWISE, f"  features {CITY}\n", "")
    text = replaced(text, TAGS, TAGS.replace("}", 'shared_names: "city" }'))
    assert problems(text) == []


def test_a_group_names_the_nearest_feature() -> None:
    text = replaced(
        POINTWISE, '["user_id", "city", "tags", "age"]', '["userid", "city", "tags", "age"]'
    )
    assert_reported(
        text,
        '"userid"',
        "my.config:37:21: error: model_config.feature_groups[0].feature_names[0]",
        "unknown feature in group 'user': 'userid'",
        "found:    'userid'",
        "nearest:  user_id",
    )
    assert_reported(text, 'input_names: "user_id"', "warning", "'user_id' is in no feature group")


def test_a_group_names_a_feature_once() -> None:
    text = replaced(POINTWISE, '"tags", "age"]', '"tags", "tags", "age"]')
    assert_reported(text, '"tags", "tags"', "group 'user' names feature 'tags' twice")


def test_groups_have_names_of_their_own_and_are_not_empty() -> None:
    text = replaced(
        POINTWISE, "  dssm_senet {", "  feature_groups { group_name: 'user' }\n  dssm_senet {"
    )
    assert_reported(text, "group_name: 'user'", "two groups are named 'user'", "'user' is empty")


def test_towers_read_deep_groups() -> None:
    text = replaced(POINTWISE, '"tags", "age"]', '"tags", "age"] wide_deep: WIDE')
    assert_reported(text, "WIDE", "group 'user' is WIDE", "expected: DEEP")
