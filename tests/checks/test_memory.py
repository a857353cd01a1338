"""The memory estimate: tables by a hand count, the other parts against what TensorFlow makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from easyrec_lite.checks.check import load_config
from easyrec_lite.checks.memory import SHUFFLE_ROWS, Table, estimate, report
from easyrec_lite.checks.specs.optimizer import OPTIMIZERS
from easyrec_lite.config import load, loads
from easyrec_lite.models.retrieval.sequence_match.memory import encoder_bytes
from easyrec_lite.protos import message_class
from tests.config.base_config import BACKBONE, LISTWISE, POINTWISE, replaced
from tests.golden import CASES
from tests.golden.names import TABLE
from tests.golden.stored import Stored


def tables(text: str) -> dict[str, Table]:
    return {table.name: table for table in estimate(loads(text)).tables}


def test_a_table_for_each_group_and_feature() -> None:
    found = tables(LISTWISE)
    rows = {name: table.rows for name, table in found.items()}
    assert rows == {
        "user/user_id": 100,
        "user/city": 2,
        "user/tags": 50,
        "user/age": 9,
        "item/item_id": 90,
        "item/cate": 20,
        "item/price": 3,
        "user_id_augment/user_id": 100,
        "item_id_augment/item_id": 90,
    }
    assert {table.dim for table in found.values()} == {8}


def test_bytes_are_rows_by_dim_by_slots() -> None:
    assert tables(POINTWISE)["user/user_id"].bytes == 100 * 8 * (1 + 2) * 4
    adagrad = replaced(POINTWISE, "adam_optimizer", "adagrad_optimizer")
    assert tables(adagrad)["user/user_id"].bytes == 100 * 8 * (1 + 1) * 4
    averaged = replaced(
        POINTWISE, "optimizer_config {", "optimizer_config { use_moving_average: true"
    )
    assert tables(averaged)["user/user_id"].slots == 3


def test_a_shared_table_is_counted_once() -> None:
    shared = LISTWISE.replace("hash_bucket_size: 100", "hash_bucket_size: 100 embedding_name: 'u'")
    found = tables(shared)
    assert found["u"].features == ("user_id",)
    assert "user/user_id" not in found
    assert "user_id_augment/user_id" not in found


def test_a_vocabulary_file_is_counted_when_it_is_there(tmp_path: Path) -> None:
    vocabulary = tmp_path / "tokens"
    text = replaced(POINTWISE, 'vocab_list: ["a", "b"]', f'vocab_file: "{vocabulary}"')
    missing = estimate(loads(text))
    assert {table.rows for table in missing.tables if table.name == "user/city"} == {None}
    assert any("user/city" in note for note in missing.notes)
    vocabulary.write_text("北京\nb\n\nc\n", encoding="utf-8")
    assert tables(text)["user/city"].rows == 3


def test_a_number_as_it_is_has_no_table() -> None:
    text = replaced(POINTWISE, "embedding_dim: 8 boundaries: [1, 2.5]", "raw_input_dim: 2")
    assert "item/price" not in tables(text)


def test_the_second_optimizer_counts_for_dense_weights() -> None:
    def dense(text: str) -> int:
        return estimate(loads(text)).parts["dense weights and optimiser"]

    start, end = POINTWISE.index("  optimizer_config"), POINTWISE.index("  num_steps")
    adam = POINTWISE[start:end]
    momentum = replaced(POINTWISE, adam, adam + adam.replace("adam_optim", "momentum_optim"))
    assert dense(momentum) * 3 == dense(POINTWISE) * 2


def test_only_listwise_models_have_a_softmax_and_only_shuffling_a_buffer() -> None:
    listwise = estimate(loads(LISTWISE)).parts
    assert listwise["in-batch softmax"] == 8 * (8 + 16) * 4 * 3
    assert "in-batch softmax" not in estimate(loads(POINTWISE)).parts
    still = replaced(POINTWISE, "  batch_size: 8\n", "  batch_size: 8\n  shuffle: false\n")
    assert "shuffled rows" not in estimate(loads(still)).parts
    large = replaced(POINTWISE, "  batch_size: 8\n", "  shuffle_buffer_size: 262144\n")
    parts, default = estimate(loads(large)).parts, estimate(loads(POINTWISE)).parts
    assert parts["shuffled rows"] == 2 * default["shuffled rows"]


def test_a_streaming_estimate_is_counted_as_it_is_made() -> None:
    pytest.importorskip("tensorflow")
    from easyrec_lite.losses.softmax.streaming import StreamingFrequency

    def part(softmax: str) -> int:
        text = replaced(LISTWISE, "model_config {", f"model_config {{ softmax {{ {softmax} }}")
        return estimate(loads(text)).parts.get("streaming estimate of logq", 0)

    made = StreamingFrequency(1000, 0.01).variables
    state = sum(np.asarray(variable.value).nbytes for variable in made)
    assert part("logq: STREAMING logq_buckets: 1000") == pytest.approx(state, abs=8)
    assert part("logq: STREAMING") == 16 << 20
    assert part("logq: COUNTED") == part("") == 0


SEQUENCE = "sequence_match_on_movielens.config"


def sequence_parts(**params: object) -> dict[str, int]:
    edits = {f"model_config.sequence_match.{name}": value for name, value in params.items()}
    return estimate(load_config(SEQUENCE, edits)).parts


def test_an_encoder_of_histories_grows_with_heads_and_the_square_of_steps() -> None:
    """128 rows of 200 steps and a start, 2 layers; each number of a score has 4 bytes."""
    scores = sequence_parts(num_heads=4)["encoder of histories"]
    scores -= sequence_parts(num_heads=2)["encoder of histories"]
    a_copy = 2 * 128 * 2 * 201**2 * 4
    assert 2 <= scores / a_copy <= 4
    layer = sequence_parts(num_layers=3)["encoder of histories"]
    layer -= sequence_parts(num_layers=2)["encoder of histories"]
    assert layer > 2 * 128 * 201**2 * 4
    batch = estimate(load_config(SEQUENCE, {"data_config.batch_size": 256})).parts
    assert batch["encoder of histories"] > 1.9 * sequence_parts()["encoder of histories"]


def test_pairs_of_rows_grow_with_the_square_of_the_batch() -> None:
    sizes = {}
    for rows in (100, 300):
        edits = {"data_config.batch_size": rows}
        pipeline = load_config("metric_learning_i2i_on_taobao.config", edits)
        sizes[rows] = estimate(pipeline).parts["pairs of rows"]
    assert sizes[300] == 9 * sizes[100] >= 9 * 100 * 100 * 4


def test_logits_over_a_catalogue_are_counted_where_it_competes() -> None:
    assert sequence_parts()["softmax over the catalogue"] >= 512 * 3953 * 4
    text = (Path(__file__).parents[2] / "configs" / SEQUENCE).read_text("utf-8")
    sampled = replaced(text, "num_heads: 2", "num_heads: 2 negatives: SAMPLED")
    assert "softmax over the catalogue" not in estimate(loads(sampled)).parts
    assert not {"encoder of histories"} & estimate(loads(LISTWISE)).parts.keys()


@pytest.mark.parametrize(
    ("encoder", "gated"),
    [("TRANSFORMER", False), ("TRANSFORMER", True), ("HSTU", False), ("GRU", False)],
)
def test_weights_of_an_encoder_are_those_that_are_made(encoder: str, gated: bool) -> None:
    pytest.importorskip("tensorflow")
    from easyrec_lite.models.retrieval.sequence_match import encoder as layers

    sizes = {"num_layers": 1, "intermediate_size": 96, "gated_residual": gated}
    params = message_class("SequenceMatch")(encoder=encoder, **sizes)
    made = {
        "TRANSFORMER": layers.AttentionLayer(2, 96, "relu", 0, 0, gated, 1, "a"),
        "HSTU": layers.HSTULayer(2, 201, 0, 1, "b"),
        "GRU": layers.RecurrentLayer(0, 1, "c"),
    }[encoder]
    made.build((None, 64))
    weights = made.count_params()
    assert encoder_bytes(params, 0, 64) == pytest.approx(3 * 4 * weights, rel=0.1)


def test_the_total_is_the_sum_of_the_shown_parts() -> None:
    found = estimate(loads(LISTWISE))
    assert found.total == sum(table.bytes for table in found.tables) + sum(found.parts.values())


def test_the_report_shows_tables_parts_and_total() -> None:
    text = report(estimate(loads(BACKBONE)))
    lines = text.splitlines()
    assert lines[0] == "table         features  kind        ids from          rows  dim  slots   MB"
    assert [line.split()[0] for line in lines[1:8]] == [
        "user/user_id",
        "user/city",
        "user/tags",
        "user/age",
        "item/item_id",
        "item/cate",
        "item/price",
    ]
    assert lines[1].split()[1:] == [
        "user_id",
        "IdFeature",
        "hash_bucket_size",
        "100",
        "8",
        "2",
        "0.0",
    ]
    assert any(line.startswith("memory for training, about") for line in lines)
    assert lines[-2:] == [
        "note: the model's dense layers are not counted",
        "note: the sampler's tables are not counted until its files are there",
    ]


def test_a_config_of_nothing_has_an_estimate() -> None:
    required = 'model_dir: "m" model_config { model_class: "DSSM" }'
    assert estimate(loads(required)).tables == []


def test_every_optimizer_has_its_slots() -> None:
    fields = message_class("Optimizer").DESCRIPTOR.oneofs_by_name["optimizer"].fields
    assert set(OPTIMIZERS.names()) == {field.name for field in fields}


def test_constants_agree_with_what_is_built() -> None:
    pytest.importorskip("tensorflow")
    from easyrec_lite.data.rows.order import SHUFFLE_WINDOW

    assert SHUFFLE_ROWS == SHUFFLE_WINDOW
    for spec in OPTIMIZERS.specs():
        params = getattr(message_class("Optimizer")(), spec.message)
        assert tuple(OPTIMIZERS.get(spec.name)(params).slots) == spec.slots


@pytest.mark.parametrize("case", ["dssm_senet", "dssm_neg", "dat"])
def test_dense_weights_are_those_of_the_golden_models(case: str) -> None:
    folder = CASES / case
    found = estimate(load(folder / "pipeline.config"))
    weights = Stored(folder).arrays("vars")
    dense = sum(each.size for name, each in weights.items() if not TABLE.search(name))
    tables = sum(each.size for name, each in weights.items() if TABLE.search(name))
    assert sum((table.rows or 0) * table.dim for table in found.tables) == tables
    assert found.parts["dense weights and optimiser"] == pytest.approx(3 * 4 * dense, rel=0.05)
