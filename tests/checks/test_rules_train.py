"""What is said about bad training, sampler, metric and export configs."""

from __future__ import annotations

from google.protobuf import text_format

from easyrec_lite.config import ConfigSource, Pipeline
from easyrec_lite.metrics.open import open_metrics
from easyrec_lite.protos.messages import EasyRecConfig
from tests.config.base_config import (
    LISTWISE,
    POINTWISE,
    assert_reported,
    problems,
    replaced,
    report_at,
)

ADAM = "adam_optimizer { learning_rate { constant_learning_rate { learning_rate: 0.01 } } }"
OPTIMIZER = f"""  optimizer_config {{
    {ADAM}
  }}
"""


def messages(text: str) -> list[str]:
    return [found.message for found in problems(text)]


def test_training_must_end() -> None:
    text = replaced(POINTWISE, "  num_steps: 10\n", "")
    assert_reported(text, "train_config {", "training would never end", "data_config.num_epochs")
    assert problems(replaced(text, "  batch_size: 8\n", "  num_epochs: 1\n")) == []


def test_an_optimizer_is_needed() -> None:
    assert_reported(replaced(POINTWISE, OPTIMIZER, ""), "train_config {", "has no optimizer_config")
    text = replaced(POINTWISE, OPTIMIZER, "  optimizer_config {}\n")
    assert_reported(text, "optimizer_config {}", "names no optimizer", "adagrad_optimizer, adam_")


def test_an_optimizer_needs_a_learning_rate() -> None:
    text = replaced(POINTWISE, ADAM, "adam_optimizer {}")
    assert_reported(text, "adam_optimizer", "adam_optimizer has no learning_rate", "constant_learn")
    text = replaced(POINTWISE, ADAM, "adam_optimizer { learning_rate {} }")
    assert_reported(text, "adam_optimizer", "adam_optimizer has no learning_rate")


def test_two_optimizers_are_the_most() -> None:
    assert problems(replaced(POINTWISE, OPTIMIZER, OPTIMIZER * 2)) == []
    third = OPTIMIZER.replace("{\n", "{ # third\n")
    text = replaced(POINTWISE, OPTIMIZER, OPTIMIZER * 2 + third)
    assert_reported(text, "# third", "3 optimizers", "for embedding tables and for the rest")


def test_schedules_have_steps() -> None:
    schedule = "exponential_decay_learning_rate { decay_steps: 0 }"
    text = replaced(POINTWISE, "constant_learning_rate { learning_rate: 0.01 }", schedule)
    assert_reported(text, "decay_steps", "decay_steps is 0")


def test_manual_steps_ascend() -> None:
    schedule = "manual_step_learning_rate { schedule { step: 9 } schedule { step: 3 } }"
    text = replaced(POINTWISE, "constant_learning_rate { learning_rate: 0.01 }", schedule)
    assert_reported(text, "schedule", "not in ascending order", "found:    9, 3")


def test_frozen_variables_are_named_by_regular_expressions() -> None:
    text = replaced(POINTWISE, "num_steps: 10", "num_steps: 10\n  freeze_gradient: 'user(.*'")
    assert_reported(text, "freeze", "train_config.freeze_gradient[0]: not a regular expression")


def test_clipping_is_not_negative() -> None:
    text = replaced(POINTWISE, "num_steps: 10", "num_steps: 10\n  gradient_clipping_by_norm: -1")
    assert_reported(text, "gradient_clipping", "gradient_clipping_by_norm is -1")


def test_a_deadline_is_a_time() -> None:
    text = replaced(POINTWISE, "num_steps: 10", "num_steps: 10\n  dead_line: 'tomorrow'")
    assert_reported(text, "dead_line", "not a date and time", "YYYYMMDD HH:MM:SS")
    assert problems(text.replace("tomorrow", "20300131 23:59:59")) == []


def test_a_sampler_without_loss_type_has_no_effect() -> None:
    text = replaced(LISTWISE, "  loss_type: SOFTMAX_CROSS_ENTROPY\n", "")
    assert_reported(text, "  negative_sampler {", "warning", "without loss_type", "SOFTMAX")
    assert_reported(text, "recall_at_topk", "warning", "recall_at_topk is not computed")


def test_a_sampler_and_a_pointwise_loss_contradict() -> None:
    text = replaced(LISTWISE, "SOFTMAX_CROSS_ENTROPY", "L2_LOSS")
    assert_reported(text, "  negative_sampler {", "error", "L2_LOSS has no use for them")
    assert_reported(text, "recall_at_topk", "error", "loss L2_LOSS has none")


def test_negatives_need_the_attributes_of_item_features() -> None:
    text = replaced(
        LISTWISE, '["item_id", "cate", "price"]\n    item_id', '["item_id", "cate"]\n    item_id'
    )
    assert_reported(
        text,
        'feature_names: ["item_id", "cate", "price"]',
        "error: model_config.feature_groups[1].feature_names[2]",
        "feature 'price' of item group 'item' cannot be computed for sampled negatives",
        "expected: features of item_id, cate",
        "remedy:   add 'price' to data_config.negative_sampler.attr_fields",
    )


def test_a_samplers_fields_are_columns() -> None:
    text = replaced(
        LISTWISE,
        '["item_id", "cate", "price"]\n    item_id',
        '["item_id", "kate", "cate", "price"]\n    item_id',
    )
    assert_reported(
        text, "kate", "unknown input field of negative_sampler: 'kate'", "nearest:  cate"
    )
    text = replaced(LISTWISE, 'item_id_field: "item_id"', 'item_id_field: "itemid"')
    assert_reported(
        text, "itemid", "data_config.negative_sampler.item_id_field", "nearest:  item_id"
    )


def test_attributes_are_named_once() -> None:
    text = replaced(
        LISTWISE,
        '["item_id", "cate", "price"]\n    item_id',
        '["cate", "item_id", "cate", "price"]\n    item_id',
    )
    assert_reported(text, '["cate", "item_id"', "attr_fields names 'cate' twice")


def test_a_sampler_draws_something() -> None:
    assert_reported(replaced(LISTWISE, "num_sample: 16", "num_sample: 0"), "num_sample", "is 0")


def test_a_samplers_user_field_is_a_column() -> None:
    text = replaced(
        LISTWISE.replace("negative_sampler {", "negative_sampler_v2 {"),
        '    input_path: "items.txt"\n',
        '    user_input_path: "u" item_input_path: "i" pos_edge_input_path: "e"\n'
        '    user_id_field: "uid"\n',
    )
    assert_reported(text, "user_id_field", "negative_sampler_v2", "'uid'")
    good = problems(text.replace('"uid"', '"user_id"'))
    assert not [each for each in good if each.severity == "error"]


def test_metrics_of_rows_are_left_out_with_a_listwise_loss() -> None:
    text = replaced(LISTWISE, "recall_at_topk { topk: 5 }", "auc {}")
    place = "warning: eval_config.metrics_set[0].auc"
    assert_reported(text, "auc {}", place, "the losses alone", "recall_at_topk")
    both = "recall_at_topk { topk: 5 } }\n  metrics_set { auc {}"
    text = replaced(LISTWISE, "recall_at_topk { topk: 5 }", both)
    assert_reported(text, "auc {}", "warning", "recall_neg_sam@5")
    pipeline = Pipeline(text_format.Parse(text, EasyRecConfig()), ConfigSource("my.config", text))
    assert [metric.columns for metric in open_metrics(pipeline.config)] == [()]
    report = report_at(text + "export_config { exporter_type: 'best' }\n", "exporter_type")
    assert "unknown metric in best_exporter_metric: 'auc'" in report


def test_grouped_metrics_read_columns() -> None:
    text = replaced(POINTWISE, "auc {}", "gauc { uid_field: 'userid' reduction: 'sum' }")
    assert_reported(text, "userid", "in uid_field: 'userid'", "nearest:  user_id", "mean_by_sample")
    text = replaced(POINTWISE, "auc {}", "session_auc { session_id_field: 'userid' }")
    assert_reported(text, "userid", "unknown input field in session_id_field: 'userid'")


def test_metrics_are_named_and_have_sizes() -> None:
    assert_reported(replaced(POINTWISE, "{ auc {} }", "{}"), "metrics_set", "names no metric")
    text = replaced(LISTWISE, "topk: 5", "topk: 0")
    assert_reported(text, "topk", "topk is 0")
    text = replaced(POINTWISE, "auc {}", "auc { num_thresholds: 1 }")
    assert_reported(text, "num_thresholds", "2 or more")


def test_an_unknown_exporter_names_the_nearest() -> None:
    text = replaced(POINTWISE, '"final"', '"finall"')
    assert_reported(text, "finall", "unknown exporter_type 'finall'", "nearest:  final")


def test_the_best_is_told_by_a_metric_that_is_computed() -> None:
    listwise = LISTWISE + "export_config { exporter_type: 'best' }\n"
    report = report_at(listwise, "exporter_type")
    assert "unknown metric in best_exporter_metric: 'auc'" in report
    assert "found:    'auc' (the default)" in report
    assert "recall_in_batch@5" in report
    for metric in ("recall@5", "recall_neg_sam@5", "loss/total_loss"):
        named = f"exporter_type: 'best' best_exporter_metric: '{metric}'"
        assert problems(LISTWISE + f"export_config {{ {named} }}\n") == []


def test_a_metric_that_decides_nothing_is_warned_about_when_none_computes_it() -> None:
    export = "export_config {{ exporter_type: 'final' best_exporter_metric: '{}' }}\n"
    (problem,) = problems(LISTWISE + export.format("recal@5"))
    assert (problem.severity, problem.nearest) == ("warning", "recall@5")
    assert "decides nothing" in problem.remedy
    assert problems(LISTWISE + export.format("recall@5")) == []


def test_early_stopping_needs_its_metric_too() -> None:
    text = LISTWISE + "export_config { enable_early_stop: true }\n"
    assert any("best_exporter_metric" in message for message in messages(text))


def test_multi_value_fields_are_columns() -> None:
    fields = "multi_value_fields { input_name: 'tag' }"
    text = replaced(POINTWISE, 'exporter_type: "final"', fields)
    assert_reported(text, fields, "unknown input field in multi_value_fields: 'tag'", "tags")


def test_a_run_has_a_folder_of_its_own() -> None:
    text = replaced(POINTWISE, 'model_dir: "run"', 'model_dir: ""')
    assert_reported(text, "model_dir", "model_dir is empty", "--model_dir")
    text = replaced(POINTWISE, 'model_dir: "run"', 'model_dir: "./data/"')
    assert problems(text) == []
    text = replaced(text, '"train.csv"', '"other, data"')
    assert_reported(text, "model_dir", "train_input_path", "another model_dir")
