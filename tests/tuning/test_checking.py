"""A space is checked before any trial: paths, types, each end and choice, combinations."""

from __future__ import annotations

import subprocess
import sys

import pytest

from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.tuning.checking import MOST, check_space
from easyrec_lite.tuning.parse import parse_flags
from tests.tuning.studies import CONFIG, HEADS, OPTIMIZER, RATE

DROPOUT = "model_config.sequence_match.hidden_dropout_prob"


def problems(*search: str) -> list[Problem]:
    try:
        check_space(CONFIG, {}, parse_flags(search))
    except ConfigError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize(
    "search",
    [
        (f"{RATE}=log(1e-5, 1)", f"{HEADS}=choice(1, 2, 4)", f"{DROPOUT}=uniform(0, 0.5)"),
        (f"{RATE}=int(1, 3)",),
        ("train_config.seed=int(1, 9)", "data_config.shuffle=choice(true, false)"),
        ("train_input_path=choice(a.csv, b.csv)",),
        (f'{OPTIMIZER}=choice({{}}, {{"beta1": 0.8}})',),
        ("data_config.batch_size=choice(64, null)",),
        ("feature_config.features[:].embedding_dim=int(32, 64, step=32)",),
    ],
)
def test_good_spaces_pass(search: tuple[str, ...]) -> None:
    assert problems(*search) == []


@pytest.mark.parametrize(
    ("search", "told"),
    [
        ("train_config.optimiser_config=choice(a, b)", "nearest:  optimizer_config"),
        ("train_config..seed=int(1, 2)", "field name"),
        (f"{HEADS}=uniform(1, 4)", "whole number"),
        (f"{HEADS}=uniform(1, 3)", "whole number"),
        (f"{HEADS}=int(-4, 4)", "found:    -4"),
        ("data_config.shuffle=int(0, 1)", "choice("),
        ("data_config.shuffle=choice(true, maybe)", "maybe"),
        ("train_input_path=int(1, 2)", "choice("),
        ("data_config.input_type=log(1, 2)", "one of"),
        ("model_config.loss_type=choice(SOFTMAX_CROSS_ENTROPY, SOFTMAX_CROS)", "SOFTMAX_CROS"),
        ("feature_config.features[input_names[0]=x].embedding_dim=int(1,3)", "item_id, history"),
        ("feature_config.features.embedding_dim=int(1,3)", "features[:]"),
        ("model_dir=choice(a, b)", "model_dir"),
        ("eval_input_path=choice(a, b)", "eval_input_path"),
        ("eval_config.full_ranking.topk=choice([10], [20])", "eval_config"),
        ("export_config.exporter_type=choice(final, best)", "export_config"),
    ],
)
def test_a_wrong_path_or_type_is_told_with_its_parameter(search: str, told: str) -> None:
    (problem,) = problems(search)
    assert problem.place.file == "--search"
    assert told in str(problem)


def test_all_wrong_parameters_are_told_at_once() -> None:
    found = problems("train_config.sed=int(1, 2)", f"{RATE}=log(1e-3, 1)", "data_config.x=int(1,2)")
    assert [problem.path for problem in found] == ["train_config.sed", "data_config.x"]


def test_the_values_that_a_check_refuses_are_named() -> None:
    # 64 numbers a vector: of 1 … 4 heads, only 3 is no divisor.
    found = problems(f"{HEADS}=int(1, 4)", f"{DROPOUT}=uniform(0, 2)", f"{RATE}=log(1e-3, 1)")
    by_path = {problem.path: problem.message for problem in found}
    assert set(by_path) == {HEADS, DROPOUT}
    assert by_path[HEADS].endswith(f"with {HEADS}=3")
    assert f"{DROPOUT}=2.0" in by_path[DROPOUT]
    assert RATE not in str(found)


def test_combinations_are_checked() -> None:
    # Each value is good beside the config's own: heads must divide the width, 64.
    width = "feature_config.features[:].embedding_dim"
    assert problems(f"{HEADS}=choice(2, 64)") == []
    (problem,) = problems(f"{HEADS}=choice(2, 64)", f"{width}=choice(32, 64)")
    assert f"{HEADS}=64" in problem.message
    assert f"{width}=32" in problem.message


def test_each_end_is_checked_in_a_large_space() -> None:
    others = [
        "train_config.seed=int(1, 2)",
        "train_config.log_step_count_steps=int(1, 8)",
        "train_config.num_steps=int(1, 8)",
        "data_config.batch_size=int(2, 9)",
    ]
    assert MOST < 2 * 8 * 8 * 8
    assert problems(*others) == []
    (problem,) = problems(*others, f"{HEADS}=choice(1, 2, 3)")
    assert problem.message.endswith(f"with {HEADS}=3")


def test_neither_tensorflow_nor_optuna_is_loaded_to_check() -> None:
    code = (
        "import sys\n"
        "from easyrec_lite import tune\n"
        "from easyrec_lite.runs import command_line as cli\n"
        "words = ['--config', 'sequence_match_on_movielens.config']\n"
        "words += ['--search', 'train_config.sed=int(1,2)']\n"
        "assert cli.run(tune.parser, tune.main, words) == 2\n"
        "assert not {'tensorflow', 'keras', 'optuna'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "nearest:  seed" in done.stderr
