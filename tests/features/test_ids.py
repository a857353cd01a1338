from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from easyrec_lite.core.errors import ConfigError
from easyrec_lite.features.transform import FeatureTransform
from tests.features.configs import config_of, problems_of, value_of

ID = 'input_names: "x" feature_type: IdFeature embedding_dim: 4 '

# Examples of FARM_FINGERPRINT in BigQuery's reference: Fingerprint64 as a signed integer.
FINGERPRINTS = {
    "1footrue": -1541654101129638711,
    "2applefalse": 2794438866806483259,
    "3true": -4880158226897771312,
}


def ids_of(body: str, values: Any) -> list[int]:
    return value_of(ID + body, x=values).ids.numpy().tolist()


def invalid(body: str, values: Any) -> int:
    transform = FeatureTransform(config_of(ID + body))
    return int(tf.math.count_nonzero(transform.unknown_values({"x": tf.constant(values)})["x"][1]))


@pytest.mark.parametrize("buckets", [1, 7, 1_000_003, 2**40])
def test_hash_is_farmhash_fingerprint64_modulo_buckets(buckets: int) -> None:
    want = [signed % 2**64 % buckets for signed in FINGERPRINTS.values()]
    assert ids_of(f"hash_bucket_size: {buckets}", list(FINGERPRINTS)) == want


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=20))
def test_hash_of_any_text_is_tensorflows_and_inside_the_table(texts: list[str]) -> None:
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    want = tf.strings.to_hash_bucket_fast(encoded, 97).numpy().tolist()
    want = [bucket if text else -1 for text, bucket in zip(encoded, want, strict=True)]
    assert ids_of("hash_bucket_size: 97", encoded) == want


def test_an_empty_text_has_no_id_and_is_not_unknown() -> None:
    assert ids_of("num_buckets: 5", ["", "4"]) == [-1, 4]
    assert ids_of('vocab_list: "a" vocab_list: "b"', ["", "b"]) == [-1, 1]
    assert invalid("num_buckets: 5", ["", "4"]) == 0
    assert invalid('vocab_list: "a"', ["", "a"]) == 0


def test_integers_hash_as_their_decimal_text() -> None:
    numbers = [0, -7, 2**62, 430548]
    hashed = ids_of("hash_bucket_size: 1000", tf.constant(numbers, tf.int64))
    assert hashed == ids_of("hash_bucket_size: 1000", [str(number) for number in numbers])
    assert ids_of("hash_bucket_size: 1000", tf.constant([5], tf.int32)) == ids_of(
        "hash_bucket_size: 1000", ["5"]
    )


def test_floats_hash_with_the_decimals_of_precision() -> None:
    hashed = ids_of("hash_bucket_size: 1000 precision: 2", [1.5, 0.126])
    assert hashed == ids_of("hash_bucket_size: 1000", ["1.50", "0.13"])
    assert ids_of("hash_bucket_size: 1000 precision: 0", [3.0]) == ids_of(
        "hash_bucket_size: 1000", ["3"]
    )


def test_floats_without_precision_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"feature_config\.features\[0\]\.precision"):
        ids_of("hash_bucket_size: 1000", [1.5])


def test_num_buckets_is_the_integer_itself_and_0_outside() -> None:
    huge = "18446744073709551615"
    texts = ["0", "9", "10", "-1", huge, "9223372036854775808", "1e300", " 3 "]
    assert ids_of("num_buckets: 10", texts) == [0, 9, 0, 0, 0, 0, 0, 3]
    assert invalid("num_buckets: 10", texts) == 5
    numbers = tf.constant([0, 9, 10, -1, 2**63 - 1], tf.int64)
    assert ids_of("num_buckets: 10", numbers) == [0, 9, 0, 0, 0]
    assert invalid("num_buckets: 10", numbers) == 3


def test_large_num_buckets_keeps_large_ids_apart() -> None:
    texts = [str(2**50), str(2**50 + 1)]
    assert ids_of(f"num_buckets: {2**51}", texts) == [2**50, 2**50 + 1]


def test_num_buckets_takes_whole_floats_and_booleans() -> None:
    assert ids_of("num_buckets: 10", [3.0, 11.0]) == [3, 0]
    assert ids_of("num_buckets: 2", [True, False]) == [1, 0]


@pytest.mark.parametrize("bad", ["1.5", "nan", "inf", "1e400"])
def test_num_buckets_refuses_decimals(bad: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="feature 'x'"):
        ids_of("num_buckets: 10", [bad])


def test_num_buckets_shows_a_text_that_is_no_number() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="notanint"):
        ids_of("num_buckets: 10", ["1", "notanint"])


def test_vocabulary_is_the_position_and_0_for_unknown() -> None:
    body = 'vocab_list: "b" vocab_list: "ä" vocab_list: "3"'
    assert ids_of(body, ["ä", "b", "zzz", "3"]) == [1, 0, 0, 2]
    assert invalid(body, ["ä", "b", "zzz", "3", "yyy"]) == 2
    assert ids_of(body, tf.constant([3, 4], tf.int64)) == [2, 0]


def test_vocabulary_file(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("\ufeffred\r\n\r\ngrün\n red \n".encode())
    assert ids_of(f'vocab_file: "{path}"', ["red", "grün", " red ", "blue"]) == [0, 1, 2, 0]


def test_vocabulary_file_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="cannot read the vocabulary"):
        ids_of('vocab_file: "no/such/file"', ["a"])


def test_a_token_given_twice_is_refused() -> None:
    body = ID + 'vocab_list: "a" vocab_list: "b" vocab_list: "a"'
    assert "given twice: 'a'" in problems_of(config_of(body))


def test_a_token_given_twice_in_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "words"
    path.write_text("a\nb\na\n")
    report = problems_of(config_of(f'{ID} vocab_file: "{path}"'))
    assert "vocab_file" in report
    assert "given twice: 'a'" in report
    path.write_text("")
    assert "is empty" in problems_of(config_of(f'{ID} vocab_file: "{path}"'))


def test_two_sources_of_ids_are_refused() -> None:
    body = ID + "num_buckets: 10 hash_bucket_size: 10"
    assert "2 sources of ids" in problems_of(config_of(body))


def test_a_list_column_is_refused() -> None:
    with pytest.raises(ConfigError, match="one value a row"):
        value_of(ID + "hash_bucket_size: 10", x=tf.ragged.constant([["a"], []]))


def test_no_rows() -> None:
    for source in ("hash_bucket_size: 5", "num_buckets: 5", 'vocab_list: "a"'):
        assert ids_of(source, tf.constant([], tf.string)) == []
